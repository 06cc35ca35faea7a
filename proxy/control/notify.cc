// Twenty lines of a stable protocol, instead of libsystemd and what it brings. Not here: when (control.cc).
#include "proxy/control/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "backends/work/descriptor.h"

namespace postigo {

namespace {
bool silent = false;
}

void notify_no_more() { silent = true; }

void notify(const std::string& state) {
  if (silent) return;
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un to{};
  if (path == nullptr || (*path != '/' && *path != '@') || std::strlen(path) >= sizeof(to.sun_path)) return;
  to.sun_family = AF_UNIX;
  std::strcpy(to.sun_path, path);
  if (*path == '@') to.sun_path[0] = '\0';  // an abstract name
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), size);
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

}  // namespace postigo
