// Not here: names to addresses (proxy/net/resolver), and connecting.
#include "backends/addresses.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

// IPv4 as it is mapped into IPv6.
std::optional<std::array<uint8_t, 16>> octets_of(const std::string& host) {
  std::array<uint8_t, 16> octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, host.c_str(), octets.data() + 12) == 1) return octets;
  if (inet_pton(AF_INET6, host.c_str(), octets.data()) == 1) return octets;
  return std::nullopt;
}

bool same_host(const std::string& a, const std::string& b) {
  auto left = octets_of(a), right = octets_of(b);
  return left && right ? *left == *right : equal_ignoring_case(a, b);
}

}  // namespace

bool is_at(const std::string& host, uint16_t port, std::string_view said) {
  if (port == 0) return false;
  std::string_view place = said;
  const size_t colon = said.rfind(':');
  const bool bracketed = said.starts_with('[');
  const bool has_port = bracketed ? said.find("]:") != said.npos : colon != said.npos && said.find(':') == colon;
  if (has_port) {
    uint16_t number = 0;
    const char* end = said.data() + said.size();
    auto [stop, error] = std::from_chars(said.data() + colon + 1, end, number);
    if (error != std::errc() || stop != end || number != port) return false;
    place = said.substr(0, colon);
  }
  if (bracketed && place.ends_with(']')) place = place.substr(1, place.size() - 2);
  return same_host(host, std::string(place));
}

std::string address_text(std::string_view host, std::string_view port) {
  const bool six = host.find(':') != host.npos && !host.starts_with('[');
  std::string text = six ? '[' + std::string(host) + ']' : std::string(host);
  if (!port.empty()) text += ':' + std::string(port);
  return text;
}

}  // namespace postigo
