// See program.h.
#include "bench/common/program.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace postigo::bench {

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kClean : kUsage;
  }
  try {
    raise_descriptor_limit();
    return body();
  } catch (const std::exception& error) {
    fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
    return kUsage;
  }
}

void print(const Json& line) {
  puts(line.dump().c_str());
  fflush(stdout);
}

sockaddr_in parse_address(const std::string& text) {
  size_t colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  int port = colon == std::string::npos ? 0 : atoi(text.c_str() + colon + 1);
  if (port <= 0 || port > 65535 || inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error(text + " is not ADDRESS:PORT");
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int listen_on(in_addr host, int port, int& chosen) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = host;
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, generic, size) != 0 || listen(fd, 65535) != 0 || getsockname(fd, generic, &size) != 0) {
    throw std::runtime_error("port " + std::to_string(port) + ": " + strerror(errno));
  }
  chosen = ntohs(address.sin_port);
  return fd;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Ending::Ending(Loop& loop) : loop_(loop) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  loop.add(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC), EPOLLIN, *this);
  loop.add(STDIN_FILENO, EPOLLIN, input_);
}

void Ending::ready(uint32_t) { asked_ = true; }

void Ending::Input::ready(uint32_t) {
  std::array<char, 4096> ignored;
  ssize_t count = read(STDIN_FILENO, ignored.data(), ignored.size());
  if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
  ending_.loop_.remove(STDIN_FILENO, *this);
  ending_.asked_ = true;
}

}  // namespace postigo::bench
