// A directory that goes with the test.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace postigo {

class Temporary {
 public:
  Temporary() {
    std::string made = (std::filesystem::temp_directory_path() / "postigo-XXXXXX").string();
    if (!mkdtemp(made.data())) throw std::runtime_error("mkdtemp");
    path_ = made;
  }
  ~Temporary() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  void clear() {
    for (const auto& each : std::filesystem::directory_iterator(path_)) std::filesystem::remove_all(each);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace postigo
