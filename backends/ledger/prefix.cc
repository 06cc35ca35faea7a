// Masks. Not here: who is believed to come from where.
#include "backends/ledger/prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace postigo {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

}  // namespace

bool is_ipv4(const config::AnyAddress& address) { return std::equal(kMapped.begin(), kMapped.end(), address.begin()); }

Prefix::Prefix(const config::AnyAddress& address, unsigned bits) {
  std::memcpy(octets_.data(), address.data(), address.size());
  if (bits < 128) {
    const size_t whole = bits / 8;
    octets_[whole] = static_cast<char>(address[whole] & (0xff00U >> (bits % 8)));
    std::fill(octets_.begin() + whole + 1, octets_.end(), '\0');
  }
  octets_[kSize - 1] = static_cast<char>(bits);
}

Prefix prefix_of(const config::AnyAddress& address, unsigned bits) {
  return is_ipv4(address) ? Prefix(address, kMappedBits + bits) : Prefix(address, bits);
}

config::Network Prefix::network_of(Bytes key) {
  config::Network network;
  std::memcpy(network.address.data(), key.data(), network.address.size());
  network.bits = static_cast<uint8_t>(key[kSize - 1]);
  return network;
}

std::string Prefix::text_of(Bytes key) {
  config::Network network = network_of(key);
  bool v4 = network.bits >= kMappedBits && is_ipv4(network.address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4 ? AF_INET : AF_INET6, network.address.data() + (v4 ? 12 : 0), text.data(), text.size());
  return std::string(text.data()) + '/' + std::to_string(network.bits - (v4 ? kMappedBits : 0));
}

}  // namespace postigo
