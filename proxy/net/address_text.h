// An address with its port as people read it, in place: each session's lines show some five of them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "proxy/net/address.h"

namespace postigo {

class AddressText {
 public:
  // "192.0.2.1:993", "[2001:db8::1]:993" (RFC 5952); IPv4-mapped IPv6 as IPv4.
  explicit AddressText(const Address& address);

  operator std::string_view() const { return {octets_.data(), size_}; }

 private:
  std::array<char, 56> octets_;  // what is behind size_ was never written
  size_t size_;
};

// Without the port and brackets; nothing if the address is of neither family. Returns where it ends, at most 46 octets
// on.
char* put_host(char* to, const Address& address);

}  // namespace postigo
