// What the tests of config/ share: a directory with files that a configuration may name, and problems as text.
#pragma once

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace postigo::config {

// A directory that goes with the test; holds cert.pem and key.pem, which nobody here looks into.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string write(const std::string& name, std::string_view content, unsigned mode = 0600) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The smallest configuration that is complete, on lines 1-11; tests add to its end.
inline constexpr std::string_view kSmall = R"([[listener]]
protocol = "imap"
address = "0.0.0.0:993"

[[tls.certificate]]
certificate = "cert.pem"
key = "key.pem"

[[backend]]
host = "10.0.0.1"
imap_port = 143
)";

class ConfigTest : public testing::Test {
 protected:
  Loaded load(const std::string& text) { return load_text(text, "p.toml", directory_.path()); }
  Loaded small_and(const std::string& more) { return load(std::string(kSmall) + more); }
  // All problems, one per line.
  std::string problems(const std::string& text);
  std::string problems_of_small_and(const std::string& more) { return problems(std::string(kSmall) + more); }

  TemporaryDirectory directory_;
};

std::string joined(const Loaded& loaded);

}  // namespace postigo::config
