// copy: one thread reads from a socket and writes to another, what a relay in plain text cannot avoid without splice.
// Two more threads keep it busy and are not counted.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bench/bare/limits.h"
#include "bench/common/program.h"

namespace postigo::bench {
namespace {

constexpr size_t kBuffer = 256 * 1024;

struct Wire {
  int in = -1, out = -1;

  // Two ends of one TCP connection over loopback, blocking.
  Wire() {
    int port = 0;
    int listener = listen_on({htonl(INADDR_LOOPBACK)}, 0, port);
    sockaddr_in address = parse_address("127.0.0.1:" + std::to_string(port));
    in = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(in, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("no wire");
    out = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    if (out < 0) throw std::runtime_error("no wire");
  }
  ~Wire() {
    ::close(in);
    ::close(out);
  }
};

bool write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

void feed(int fd, uint64_t bytes) {
  std::vector<char> data(kBuffer, 'x');
  while (bytes > 0) {
    size_t size = std::min<uint64_t>(bytes, data.size());
    if (!write_all(fd, data.data(), size)) break;
    bytes -= size;
  }
  shutdown(fd, SHUT_WR);
}

uint64_t drain(int fd) {
  std::vector<char> data(kBuffer);
  uint64_t all = 0;
  for (ssize_t count; (count = recv(fd, data.data(), data.size(), 0)) > 0;) all += static_cast<uint64_t>(count);
  return all;
}

}  // namespace

int copy(uint64_t bytes) {
  Wire first, second;
  std::thread feeder([&] { feed(first.in, bytes); });
  uint64_t arrived = 0;
  std::thread drainer([&] { arrived = drain(second.out); });
  std::vector<char> buffer(kBuffer);
  uint64_t reads = 0;
  int64_t since = thread_cpu_ns();
  for (;;) {
    ssize_t count = recv(first.out, buffer.data(), buffer.size(), 0);
    if (count <= 0 || !write_all(second.in, buffer.data(), static_cast<size_t>(count))) break;
    ++reads;
  }
  double seconds = static_cast<double>(thread_cpu_ns() - since) / 1e9;
  shutdown(second.in, SHUT_WR);
  feeder.join();
  drainer.join();
  print({{"bytes", arrived},
         {"reads", reads},
         {"cpu_seconds", seconds},
         {"cpu_s_per_gb", seconds / (static_cast<double>(bytes) / 1e9)}});
  return arrived == bytes ? kClean : kErrors;
}

}  // namespace postigo::bench
