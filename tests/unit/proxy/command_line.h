// The command line as a test says it: words in, exit code and output out, and a configuration in a folder that goes.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/options.h"

namespace postigo {

// To be added to a configuration: users in a database.
inline constexpr std::string_view kSqlite = R"(
[auth.backend_login]
mode = "master_authzid"
master_user = "m"
master_password = "canary-master"
[[directory]]
type = "sqlite"
path = "users.db"
check_password = true
)";

class CommandLineFixture : public testing::Test {
 protected:
  CommandLineFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postigo-commands-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~CommandLineFixture() override {
    EXPECT_THAT(all_output_, testing::Not(testing::HasSubstr("canary")));  // A33, whatever a test did
    std::filesystem::remove_all(folder_);
  }

  std::string file() const { return (folder_ / "p.toml").string(); }
  void write(const std::string& text) {
    std::ofstream(file(), std::ios::binary) << text;
    ::chmod(file().c_str(), 0600);
  }
  int run(std::vector<const char*> words, const std::string& input = "") {
    words.insert(words.begin(), "postigo");
    std::istringstream in(input);
    std::ostringstream out, err;
    int code = run_command_line(static_cast<int>(words.size()), words.data(), {in, out, err});
    out_ = out.str();
    err_ = err.str();
    all_output_ += out_ + err_;
    return code;
  }
  // With "-c FILE" at the end.
  int on(std::vector<const char*> words, const std::string& input = "") {
    std::string name = file();
    words.push_back("-c");
    words.push_back(name.c_str());
    return run(words, input);
  }

  std::filesystem::path folder_;
  std::string out_, err_, all_output_;
};

}  // namespace postigo
