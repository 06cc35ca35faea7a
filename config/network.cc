// Networks in CIDR's notation (RFC 4632 3.1). Not here: who is in one (proxy/net/address.h), and what that means.
#include "config/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "config/suggest.h"

namespace postigo::config {
namespace {

constexpr AnyAddress kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool bit(const AnyAddress& address, unsigned at) { return (address[at / 8] >> (7 - at % 8) & 1) != 0; }

}  // namespace

bool Network::contains(const AnyAddress& other) const {
  unsigned octets = bits / 8;
  if (!std::equal(address.begin(), address.begin() + octets, other.begin())) return false;
  return bits % 8 == 0 || (address[octets] ^ other[octets]) >> (8 - bits % 8) == 0;
}

Result<Network> parse_network(std::string_view text) {
  size_t slash = text.find('/');
  std::string host(text.substr(0, slash));
  Network network;
  AnyAddress& address = network.address;
  unsigned before = 0;
  if (inet_pton(AF_INET, host.c_str(), address.data() + 12) == 1) {
    std::copy_n(kMapped.begin(), 12, address.begin());
    before = kMappedBits;
  } else if (inet_pton(AF_INET6, host.c_str(), address.data()) != 1) {
    return fail(in_quotes(text) + " is no network: write one as in \"10.0.0.0/8\" or \"2001:db8::/32\"");
  }
  if (slash == std::string_view::npos) return network;
  std::string_view length = text.substr(slash + 1);
  unsigned bits = 0;
  auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc() || end != length.data() + length.size() || bits > 128 - before) {
    return fail(in_quotes(text) + ": behind the slash stands a number from 0 to " + std::to_string(128 - before));
  }
  network.bits = before + bits;
  for (unsigned i = network.bits; i < 128; ++i) {
    if (bit(address, i)) return fail(in_quotes(text) + " has bits behind its mask: is it another network?");
  }
  return network;
}

std::vector<Network> networks_of(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const std::string& text : texts) {
    if (auto network = parse_network(text)) networks.push_back(*network);
  }
  return networks;
}

bool any_contains(std::span<const Network> networks, const AnyAddress& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& each) { return each.contains(address); });
}

}  // namespace postigo::config
