// Not here: which types of binding are used (parser/sasl/choose.cc).
#include "proxy/session/backend_channel.h"

#include "proxy/net/tls_binding.h"

namespace postigo {

// TLS 1.3 only: servers do not agree on what there is to bind to before it.
std::string BackendChannel::channel_binding(std::string_view type) const {
  if (socket_ == nullptr || socket_->tls() == nullptr || type != "tls-exporter") return {};
  const SSL* ssl = socket_->tls()->ssl();
  return SSL_version(ssl) >= TLS1_3_VERSION ? postigo::channel_binding(ssl, type) : std::string();
}

}  // namespace postigo
