// Not here: what a datagram holds (journal_form.cc, syslog_form.cc).
#include "proxy/base/datagram_writer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/units.h"

namespace postigo::log {
namespace {

constexpr std::string_view kUdp = "udp:";
constexpr uint16_t kSyslogPort = 514;  // RFC 5426 3.3

Result<Destination> of_path(const std::string& path) {
  Destination to;
  auto& address = reinterpret_cast<sockaddr_un&>(to.address);
  if (path.size() >= sizeof(address.sun_path)) return fail(fmt::format("the path {} is too long for a socket", path));
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  to.size = sizeof(address);
  return to;
}

Result<Destination> of_endpoint(std::string_view text) {
  auto endpoint = config::parse_endpoint(text, kSyslogPort);
  if (!endpoint) return tl::unexpected(endpoint.error());
  Destination to;
  auto& four = reinterpret_cast<sockaddr_in&>(to.address);
  auto& six = reinterpret_cast<sockaddr_in6&>(to.address);
  if (inet_pton(AF_INET, endpoint->host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint->port);
    to.size = sizeof(four);
  } else if (inet_pton(AF_INET6, endpoint->host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint->port);
    to.size = sizeof(six);
  } else {
    return fail(fmt::format("{} is no address", endpoint->host));
  }
  return to;
}

Result<int> open_socket(const Destination& to) {
  const int fd = ::socket(to.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(fmt::format("no socket for the log: {}", std::strerror(errno)));
  return fd;
}

}  // namespace

Result<Destination> destination(const std::string& where) {
  return where.starts_with(kUdp) ? of_endpoint(std::string_view(where).substr(kUdp.size())) : of_path(where);
}

Result<void> check_listener(const std::string& where) {
  auto to = destination(where);
  if (!to) return tl::unexpected(to.error());
  auto fd = open_socket(*to);
  if (!fd) return tl::unexpected(fd.error());
  const bool there = ::connect(*fd, reinterpret_cast<const sockaddr*>(&to->address), to->size) == 0;
  const int why = errno;
  ::close(*fd);
  if (there) return {};
  return fail(fmt::format("nobody takes the log at {}: {}", where, std::strerror(why)));
}

Result<std::unique_ptr<LineSink>> DatagramWriter::make(const std::string& where) {
  auto to = destination(where);
  if (!to) return tl::unexpected(to.error());
  auto fd = open_socket(*to);
  if (!fd) return tl::unexpected(fd.error());
  return std::unique_ptr<LineSink>(new DatagramWriter(*fd, *to));
}

DatagramWriter::~DatagramWriter() { ::close(fd_); }

bool DatagramWriter::write(config::Log::Level, std::string_view line) {
  ssize_t count = 0;
  do {
    count = ::sendto(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                     reinterpret_cast<const sockaddr*>(&to_.address), to_.size);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(line.size());
}

}  // namespace postigo::log
