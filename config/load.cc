// The order of loading: text, tree, values, defaults, checks. Turns everything that can go wrong with the file itself
// into one line.
#include "config/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "config/check.h"
#include "config/defaults.h"
#include "config/doors.h"
#include "config/reader.h"
#include "config/secrets.h"
#include "config/tree.h"

namespace postigo::config {

namespace {

// A static directory of a hundred thousand users takes about 10 MB.
constexpr size_t kFileMax = 32 << 20;

Loaded load(const std::string& text, const std::string& name, const Source& source) {
  Loaded loaded;
  Report report(name);
  Node root;
  if (parse_tree(text, root, report)) {
    read_tree(
        root, source, [&](Visitor& visitor) { describe(visitor, loaded.config); }, report);
    complete(loaded.config, report);
    check(loaded.config, report);
  }
  loaded.problems = report.take();
  loaded.file = name;
  loaded.places = report.take_places();
  return loaded;
}

// Empty if all is well, else what is wrong.
std::string read_all(const std::string& path, std::string& text) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::string("cannot open it: ") + std::strerror(errno);
  struct stat info {};
  std::string problem;
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) problem = "this is a directory";
  std::array<char, 65536> buffer{};
  ssize_t got = 0;
  while (problem.empty() && (got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > kFileMax) problem = "larger than 32 MB: is it a configuration file?";
  }
  if (got < 0) problem = std::string("cannot read it: ") + std::strerror(errno);
  wipe(buffer.data(), buffer.size());
  ::close(fd);
  return problem;
}

Source source_of(const std::string& path) {
  std::error_code ignored;
  return {std::filesystem::absolute(path, ignored).parent_path().string(), exposed_to_group(path)};
}

}  // namespace

Loaded load_file(const std::string& path) {
  std::string text;
  std::string problem = read_all(path, text);
  if (!problem.empty()) {
    Loaded loaded;
    loaded.file = path;
    loaded.problems.push_back({path, 0, 0, "", problem, true});
    return loaded;
  }
  Loaded loaded = load(text, path, source_of(path));
  wipe(text.data(), text.size());
  return loaded;
}

Doors load_doors(const std::string& path) {
  Doors loaded;
  Report report(path);
  std::string text;
  Node root;
  if (std::string problem = read_all(path, text); !problem.empty()) {
    report.error("", problem);
  } else if (parse_tree(text, root, report)) {
    read_tree(
        root, source_of(path), [&](Visitor& visitor) { describe(visitor, loaded.doors); }, report);
    check(loaded.doors, report);
  }
  wipe(text.data(), text.size());
  loaded.problems = report.take();
  return loaded;
}

Loaded load_text(const std::string& text, const std::string& name, const std::string& directory) {
  return load(text, name, {directory, false});
}

}  // namespace postigo::config
