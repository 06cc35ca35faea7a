// Implements support.h; the name lets the build find it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/config/support.h"

namespace postigo::config {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "postigo-config-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  EXPECT_NE(path_, "");
  write("cert.pem", "certificate");
  write("key.pem", "key");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, std::string_view content, unsigned mode) const {
  std::filesystem::path file = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  EXPECT_EQ(::chmod(file.c_str(), mode), 0);
  return file.string();
}

std::string joined(const Loaded& loaded) {
  std::string text;
  for (const Problem& problem : loaded.problems) text += to_string(problem) + '\n';
  return text;
}

std::string ConfigTest::problems(const std::string& text) { return joined(load(text)); }

}  // namespace postigo::config
