// Parsing through libuv's helpers. Not here: writing (address_text.cc); names are for resolver.cc.
#include "proxy/net/address.h"

#include <uv.h>

#include <algorithm>
#include <cstring>

#include "proxy/net/address_text.h"

namespace postigo {

Address::Address(const sockaddr* address) {
  std::memcpy(&storage_, address, address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

std::optional<Address> Address::parse(const std::string& host, uint16_t port) {
  Address result;
  if (uv_ip4_addr(host.c_str(), port, &result.storage_.v4) == 0) return result;
  if (uv_ip6_addr(host.c_str(), port, &result.storage_.v6) == 0) return result;
  return std::nullopt;
}

Address Address::of(const std::array<uint8_t, 16>& octets, bool v4, uint16_t port) {
  Address result;
  result.storage_.any.sa_family = v4 ? AF_INET : AF_INET6;
  if (v4) {
    std::memcpy(&result.storage_.v4.sin_addr, octets.data(), sizeof(in_addr));
  } else {
    std::memcpy(&result.storage_.v6.sin6_addr, octets.data(), octets.size());
  }
  result.set_port(port);
  return result;
}

std::array<uint8_t, 16> Address::octets() const {
  std::array<uint8_t, 16> result = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (storage_.any.sa_family == AF_INET) std::memcpy(&result[12], &storage_.v4.sin_addr, sizeof(in_addr));
  if (storage_.any.sa_family == AF_INET6) std::memcpy(result.data(), &storage_.v6.sin6_addr, result.size());
  return result;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN];
  return {text, put_host(text, *this)};
}

uint16_t Address::port() const {
  if (storage_.any.sa_family == AF_INET) return ntohs(storage_.v4.sin_port);
  if (storage_.any.sa_family == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

void Address::set_port(uint16_t port) {
  if (storage_.any.sa_family == AF_INET) storage_.v4.sin_port = htons(port);
  if (storage_.any.sa_family == AF_INET6) storage_.v6.sin6_port = htons(port);
}

std::string Address::text() const { return std::string(AddressText(*this)); }

std::vector<Address> by_turns(std::vector<Address> addresses) {
  if (addresses.size() < 3) return addresses;
  const sa_family_t first = addresses.front().get()->sa_family;
  auto other = std::stable_partition(addresses.begin(), addresses.end(),
                                     [&](const Address& each) { return each.get()->sa_family == first; });
  std::vector<Address> mixed;
  mixed.reserve(addresses.size());
  for (auto a = addresses.begin(), b = other; a != other || b != addresses.end();) {
    if (a != other) mixed.push_back(*a++);
    if (b != addresses.end()) mixed.push_back(*b++);
  }
  return mixed;
}

}  // namespace postigo
