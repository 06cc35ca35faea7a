// Prefixes of addresses. Not here: who may come from where.
#include "backends/client_network.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "backends/balance/siphash.h"

namespace postigo {
namespace {

constexpr size_t kPrefix4 = 3, kPrefix6 = 6;
constexpr std::string_view kMapped = "::ffff:";  // an IPv4 client at an IPv6 socket

}  // namespace

uint64_t client_network(std::string_view address) {
  if (address.starts_with(kMapped)) address.remove_prefix(kMapped.size());
  const std::string text(address);
  std::array<char, sizeof(in6_addr)> octets{};
  std::string_view prefix = text;
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) {
    prefix = {octets.data(), kPrefix4};
  } else if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) {
    prefix = {octets.data(), kPrefix6};
  }
  return SeededHash()(prefix);
}

}  // namespace postigo
