// From words to addresses. What cannot be one leaves the proxy's own. Not here: how the words read
// (parser/login/facts).
#include "proxy/session/told.h"

namespace postigo {

void note_told(Summary& summary, const ClientFacts& told) {
  if (summary.proxied == nullptr) {
    summary.proxied = std::make_unique<Proxied>();
    summary.proxied->via = summary.client;
  }
  Proxied& proxied = *summary.proxied;
  proxied.speaks = true;
  if (auto client = Address::parse(told.client_ip, told.client_port)) summary.client = *client;
  if (auto local = Address::parse(told.local_ip, told.local_port)) proxied.local = *local;
  proxied.ssl.reset();
  if (told.tls.value_or(false)) proxied.ssl = proxy_protocol::Ssl{true, false, false, "", "", ""};
  proxied.alpn.clear();
  proxied.name = told.local_name;
  proxied.id = told.session_id;
}

}  // namespace postigo
