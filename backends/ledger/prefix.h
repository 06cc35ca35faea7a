// Prefix: the network that an address is counted under, as a key of a table.
#pragma once

#include <array>
#include <string>

#include "config/network.h"
#include "parser/base/bytes.h"

namespace postigo {

bool is_ipv4(const config::AnyAddress& address);  // ::ffff:a.b.c.d

class Prefix {
 public:
  static constexpr size_t kSize = 17;

  Prefix(const config::AnyAddress& address, unsigned bits);  // `bits` of all 128
  Bytes key() const { return {octets_.data(), octets_.size()}; }

  // Of a key that another one had. REQUIRES: key.size() == kSize.
  static config::Network network_of(Bytes key);
  static std::string text_of(Bytes key);  // "192.0.2.1/32", "2001:db8::/48"

 private:
  std::array<char, kSize> octets_{};
};

// `bits` as written for the address' family: at most 32 for IPv4.
Prefix prefix_of(const config::AnyAddress& address, unsigned bits);

}  // namespace postigo
