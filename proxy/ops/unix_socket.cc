// Not here: who may speak through it (http.cc looks at the peer), what is said.
#include "proxy/ops/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backends/work/descriptor.h"

namespace postigo {
namespace {

constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(fmt::format("{}: a socket's path has at most {} characters", path, sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<int> connected(const std::string& path, int flags) {
  auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (fd.get() < 0 || connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    int error = errno;
    const char* hint = error == ENOENT || error == ECONNREFUSED ? " (is postigo running?)" : "";
    return fail(fmt::format("cannot connect to {}: {}{}", path, std::strerror(error), hint));
  }
  return fd.release();
}

bool is_left_over(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0 || !S_ISSOCK(facts.st_mode)) return false;
  auto answer = connected(path, SOCK_NONBLOCK);
  if (answer) close(*answer);
  return !answer;
}

}  // namespace

Result<int> listen_unix(const std::string& path) {
  auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (is_left_over(path)) unlink(path.c_str());
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  mode_t before = umask(0117);
  bool bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0;
  umask(before);
  if (!bound || listen(fd.get(), kBacklog) != 0) {
    return fail(fmt::format("cannot listen on {}: {}", path, std::strerror(errno)));
  }
  return fd.release();
}

Result<int> connect_unix(const std::string& path) { return connected(path, 0); }

}  // namespace postigo
