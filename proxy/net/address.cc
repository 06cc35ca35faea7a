// Parsing and printing through libuv's helpers. Names are for resolver.cc.
#include "proxy/net/address.h"

#include <uv.h>

#include <cstring>

namespace postigo {
namespace {

// By hand, because every login asks for it, and the library's way leads through printf.
std::string dotted(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (shift != 24) text += '.';
    text += std::to_string(address >> shift & 255);
  }
  return text;
}

}  // namespace

Address::Address(const sockaddr* address) {
  std::memcpy(&storage_, address, address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

std::optional<Address> Address::parse(const std::string& host, uint16_t port) {
  Address result;
  if (uv_ip4_addr(host.c_str(), port, &result.storage_.v4) == 0) return result;
  if (uv_ip6_addr(host.c_str(), port, &result.storage_.v6) == 0) return result;
  return std::nullopt;
}

std::string Address::host() const {
  if (storage_.any.sa_family == AF_INET) return dotted(ntohl(storage_.v4.sin_addr.s_addr));
  char text[INET6_ADDRSTRLEN + 1] = "";
  if (storage_.any.sa_family == AF_INET6) uv_ip6_name(&storage_.v6, text, sizeof(text));
  std::string host = text;
  if (host.starts_with("::ffff:") && host.find('.') != std::string::npos) host.erase(0, 7);
  return host;
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

std::string Address::text() const {
  std::string name = host();
  if (name.find(':') != std::string::npos) name = "[" + name + "]";
  return name + ":" + std::to_string(port());
}

}  // namespace postigo
