// Which files may be logs, and what is said of others. Not here: lines (log.cc, line_writer.cc).
#include "proxy/base/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace postigo::log {
namespace {

tl::unexpected<Error> unusable(const std::string& file, const std::string& why) {
  return fail(fmt::format("cannot open the log file {}: {}", file, why));
}

std::string open_fault() {
  if (errno == ELOOP) return "it is a symbolic link: whoever made it would say where the log goes";
  if (errno == ENXIO) return "nobody reads from it";
  return std::strerror(errno);
}

Result<int> open_with(const std::string& file, int creating) {
  int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | creating, 0640);
  if (fd < 0) return unusable(file, open_fault());
  struct stat info {};
  bool fit = ::fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISCHR(info.st_mode));
  if (fit) return fd;
  ::close(fd);
  return unusable(file, "it is no regular file");
}

}  // namespace

Result<int> open_file(const std::string& file) { return open_with(file, O_CREAT); }

Result<void> check_file(const std::string& file) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0) {
    auto fd = open_with(file, 0);
    if (!fd) return tl::unexpected(fd.error());
    ::close(*fd);
    return {};
  }
  std::string folder = std::filesystem::path(file).parent_path().string();
  if (folder.empty()) folder = ".";
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return unusable(file, fmt::format("its folder {}: {}", folder, std::strerror(errno)));
}

}  // namespace postigo::log
