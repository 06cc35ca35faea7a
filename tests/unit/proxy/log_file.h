// The log of the test program, in a file of its own: what a test adds to it can be read back.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "proxy/base/log.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {

class LogFile {
 public:
  // From now on the log is this file; the next LogFile takes over. Losses of earlier tests are not told in it.
  explicit LogFile(config::Log::Format format = config::Log::Format::text,
                   config::Log::Level level = config::Log::Level::debug)
      : LogFile(options_for(format, level)) {}
  explicit LogFile(config::Log options) {
    config::Log nowhere;
    nowhere.file = "/dev/null";
    (void)log::open(nowhere);
    log::tell_losses();
    options.file = folder_.file("log");
    auto opened = log::open(options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
  }
  ~LogFile() {
    config::Log errors;  // what comes after the test belongs on its standard error
    errors.level = config::Log::Level::error;
    (void)log::open(errors);
  }

  std::string text() const {
    std::ifstream file(folder_.file("log"), std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }
  std::vector<std::string> lines() const {
    std::istringstream all(text());
    std::vector<std::string> result;
    for (std::string line; std::getline(all, line);) result.push_back(line);
    return result;
  }

 private:
  static config::Log options_for(config::Log::Format format, config::Log::Level level) {
    config::Log options;
    options.format = format;
    options.level = level;
    return options;
  }

  Temporary folder_;
};

}  // namespace postigo
