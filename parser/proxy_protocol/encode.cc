// Writing both versions: what parse() reads back is what was given. Not here: which one a backend is sent, and what it
// may know (proxy/session).
#include <arpa/inet.h>

#include <algorithm>

#include "parser/proxy_protocol/wire.h"

namespace postigo::proxy_protocol {
namespace {

std::string text_of(int family, const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, endpoint.address.data(), text, sizeof(text));
  return text;
}

void put8(std::string& to, size_t number) { to += static_cast<char>(number & 255); }
void put16(std::string& to, size_t number) {
  put8(to, number >> 8);
  put8(to, number);
}

void put_address(std::string& to, const Endpoint& endpoint, size_t size) {
  to.append(reinterpret_cast<const char*>(endpoint.address.data()), size);
}

// One that is empty is not there; one that does not fit is left out.
void put_tlv(std::string& to, Type type, Bytes value) {
  if (value.empty() || to.size() + 3 + value.size() > kHeaderMax) return;
  put8(to, static_cast<size_t>(type));
  put16(to, value.size());
  to.append(value);
}

std::string ssl_value(const Ssl& ssl) {
  std::string value;
  put8(value, (ssl.tls ? kClientSsl : 0u) | (ssl.certificate ? kClientCertificate : 0u));
  value.append(3, '\0');
  put8(value, ssl.verified ? 0 : 1);
  put_tlv(value, Type::ssl_version, ssl.version);
  put_tlv(value, Type::ssl_cn, ssl.common_name);
  put_tlv(value, Type::ssl_cipher, ssl.cipher);
  return value;
}

}  // namespace

std::string encode_v1(const Header& header) {
  if (header.family == Header::Family::none) return "PROXY UNKNOWN\r\n";
  bool v4 = header.family == Header::Family::ipv4;
  int family = v4 ? AF_INET : AF_INET6;
  return std::string(v4 ? "PROXY TCP4 " : "PROXY TCP6 ") + text_of(family, header.source) + ' ' +
         text_of(family, header.destination) + ' ' + std::to_string(header.source.port) + ' ' +
         std::to_string(header.destination.port) + "\r\n";
}

std::string encode_v2(const Header& header) {
  constexpr size_t kFamilies[] = {0x00, 0x11, 0x21};
  std::string out(kSignature);
  put8(out, header.local ? 0x20 : 0x21);
  put8(out, kFamilies[static_cast<size_t>(header.family)]);
  put16(out, 0);  // the length, as soon as it is known
  if (header.family != Header::Family::none) {
    size_t size = header.family == Header::Family::ipv4 ? 4 : 16;
    put_address(out, header.source, size);
    put_address(out, header.destination, size);
    put16(out, header.source.port);
    put16(out, header.destination.port);
  }
  if (header.hops_left) put_tlv(out, Type::hops, std::string(kHopsBegin) + std::to_string(*header.hops_left));
  put_tlv(out, Type::unique_id, Bytes(header.unique_id).substr(0, kUniqueIdMax));
  put_tlv(out, Type::alpn, header.alpn);
  put_tlv(out, Type::authority, header.authority);
  if (header.ssl) put_tlv(out, Type::ssl, ssl_value(*header.ssl));
  size_t length = out.size() - kFixedSize;
  out[14] = static_cast<char>(length >> 8);
  out[15] = static_cast<char>(length & 255);
  return out;
}

}  // namespace postigo::proxy_protocol
