// What we know of a client, as the PROXY protocol says it. Not here: the octets (parser/proxy_protocol), when it is
// sent (upstream.cc).
#include "proxy/session/proxy_header.h"

#include <algorithm>

#include "config/network.h"

namespace postigo {
namespace {

using proxy_protocol::Endpoint;
using proxy_protocol::Header;

bool is_v4(const config::AnyAddress& address) {
  constexpr config::Network kMapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
  return kMapped.contains(address);
}

Endpoint endpoint(const Address& address, bool v4) {
  config::AnyAddress octets = address.octets();
  if (!v4) return {octets, address.port()};
  Endpoint result{{}, address.port()};
  std::copy(octets.end() - 4, octets.end(), result.address.begin());
  return result;
}

// A header has one family: with a mixed pair the IPv4 one goes as the kernel maps it into IPv6.
void put_addresses(Header& header, const Address& from, const Address& to) {
  bool known = from.get()->sa_family != AF_UNSPEC && to.get()->sa_family != AF_UNSPEC;
  if (!known) return;  // "UNKNOWN", and AF_UNSPEC: not LOCAL, which would be a health check of ours
  bool v4 = is_v4(from.octets()) && is_v4(to.octets());
  header.family = v4 ? Header::Family::ipv4 : Header::Family::ipv6;
  header.source = endpoint(from, v4);
  header.destination = endpoint(to, v4);
}

}  // namespace

std::string proxy_header(config::SendProxyHeader version, const Summary& summary, const Socket* client,
                         unsigned hops_left) {
  Header header;
  if (client != nullptr) put_addresses(header, summary.client, local_address(summary, *client));
  if (version == config::SendProxyHeader::v1) return encode_v1(header);
  header.unique_id = summary.id.view();
  header.hops_left = static_cast<uint8_t>(std::min(hops_left, 255U));
  if (client != nullptr) header.authority = name_asked_for(summary, *client);
  bool of_proxy = summary.proxied != nullptr && summary.proxied->speaks;
  if (client != nullptr && client->tls() != nullptr && !of_proxy) {
    header.alpn = client->tls()->alpn();
    // We ask for no certificate, so there is none that could be good.
    header.ssl = proxy_protocol::Ssl{true, false, false, summary.tls_version, summary.tls_cipher, ""};
  } else if (summary.proxied != nullptr) {
    header.ssl = summary.proxied->ssl;
    header.alpn = summary.proxied->alpn;
  }
  return encode_v2(header);
}

}  // namespace postigo
