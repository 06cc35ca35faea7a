// Not here: which types of binding are used (parser/sasl/choose.cc).
#include "proxy/session/backend_channel.h"

#include <openssl/rand.h>

#include <array>

#include "parser/base/base64.h"
#include "proxy/net/tls_binding.h"

namespace postigo {

std::string BackendChannel::unique() const {
  std::array<unsigned char, 18> octets;
  RAND_bytes(octets.data(), octets.size());
  return base64_encode({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

// TLS 1.3 only: servers do not agree on what there is to bind to before it.
std::string BackendChannel::channel_binding(std::string_view type) const {
  if (socket_ == nullptr || socket_->tls() == nullptr || type != "tls-exporter") return {};
  const SSL* ssl = socket_->tls()->ssl();
  return SSL_version(ssl) >= TLS1_3_VERSION ? postigo::channel_binding(ssl, type) : std::string();
}

}  // namespace postigo
