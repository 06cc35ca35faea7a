// Address: an IPv4 or IPv6 address with a port, as the kernel wants it and as people read it.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <cstdint>
#include <optional>
#include <string>

namespace postigo {

class Address {
 public:
  Address() = default;
  explicit Address(const sockaddr* address);
  // A literal, not a name. IPv6 without brackets.
  static std::optional<Address> parse(const std::string& host, uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  std::string host() const;  // IPv4-mapped IPv6 as IPv4
  uint16_t port() const;
  void set_port(uint16_t port);
  std::string text() const;  // "192.0.2.1:993", "[2001:db8::1]:993"

 private:
  sockaddr_storage storage_{};
};

}  // namespace postigo
