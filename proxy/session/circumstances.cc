// Not here: what directories make of it.
#include "proxy/session/circumstances.h"

#include "backends/directory/factory.h"
#include "proxy/session/session.h"

namespace postigo {

std::shared_ptr<const Circumstances> circumstances_of(Session& session) {
  const auto& directories = session.snapshot().directories;
  if (directories == nullptr || !directories->curious()) return nullptr;
  const Summary& summary = session.summary();
  auto all = std::make_shared<Circumstances>();
  all->listener = summary.listener;
  all->session_id = summary.id.view();
  all->client_port = summary.client.port();
  all->tls = session.secure() || (summary.proxied != nullptr && summary.proxied->ssl);
  all->attempt = summary.refused + 1;
  if (session.secure()) {
    all->tls_protocol = summary.tls_version;
    all->tls_cipher = summary.tls_cipher;
  } else if (all->tls) {
    all->tls_protocol = summary.proxied->ssl->version;
    all->tls_cipher = summary.proxied->ssl->cipher;
  }
  if (session.client() != nullptr) {
    const Address local = local_address(summary, *session.client());
    all->local_ip = local.host();
    all->local_port = local.port();
  }
  return all;
}

}  // namespace postigo
