// Parsing and printing through libuv's helpers. Names are for resolver.cc.
#include "proxy/net/address.h"

#include <netinet/in.h>

#include <cstring>

namespace postigo {

Address::Address(const sockaddr* address) {
  std::memcpy(&storage_, address, address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

std::optional<Address> Address::parse(const std::string& host, uint16_t port) {
  Address result;
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&result.storage_)) == 0) return result;
  if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&result.storage_)) == 0) return result;
  return std::nullopt;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN + 1] = "";
  if (storage_.ss_family == AF_INET) uv_ip4_name(reinterpret_cast<const sockaddr_in*>(&storage_), text, sizeof(text));
  if (storage_.ss_family == AF_INET6) uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(&storage_), text, sizeof(text));
  std::string host = text;
  if (host.starts_with("::ffff:") && host.find('.') != std::string::npos) host.erase(0, 7);
  return host;
}

uint16_t Address::port() const {
  if (storage_.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (storage_.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

void Address::set_port(uint16_t port) {
  if (storage_.ss_family == AF_INET) reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
  if (storage_.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
}

std::string Address::text() const {
  std::string name = host();
  if (name.find(':') != std::string::npos) name = "[" + name + "]";
  return name + ":" + std::to_string(port());
}

}  // namespace postigo
