// Address: an IPv4 or IPv6 address with a port, as the kernel wants it and as people read it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postigo {

class Address {
 public:
  Address() = default;
  explicit Address(const sockaddr* address);
  // A literal, not a name. IPv6 without brackets.
  static std::optional<Address> parse(const std::string& host, uint16_t port);
  // From octets in the network's order; of IPv4 the first four count.
  static Address of(const std::array<uint8_t, 16>& octets, bool v4, uint16_t port);

  const sockaddr* get() const { return &storage_.any; }
  socklen_t size() const { return storage_.any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  // For the kernel to fill in.
  static constexpr socklen_t kSizeMax = sizeof(sockaddr_in6);
  sockaddr* data() { return &storage_.any; }
  // IPv4 as the kernel maps it into IPv6: ::ffff:a.b.c.d.
  std::array<uint8_t, 16> octets() const;
  std::string host() const;  // IPv4-mapped IPv6 as IPv4
  uint16_t port() const;
  void set_port(uint16_t port);
  std::string text() const;  // "192.0.2.1:993", "[2001:db8::1]:993"

 private:
  // Not sockaddr_storage: every session keeps one, and that is four times as large.
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Storage storage_{.v6 = {}};
};

// RFC 8305 4: the first one's family, then the other one, by turns; within a family the order stays (RFC 6724).
std::vector<Address> by_turns(std::vector<Address> addresses);

}  // namespace postigo
