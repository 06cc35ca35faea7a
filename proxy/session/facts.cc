// TLS ends at us, so that what a balancer says of the client's TLS (PROXY version 2) is no fact here.
#include "proxy/session/facts.h"

#include <openssl/rand.h>

#include <array>

#include "parser/base/base64.h"
#include "proxy/net/tls_binding.h"
#include "proxy/net/tls_peer.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

using Key = std::array<unsigned char, 32>;

const Key& drawn_once() {
  static const Key key = [] {
    Key made;
    RAND_bytes(made.data(), made.size());
    return made;
  }();
  return key;
}

}  // namespace

std::string ConnectionFacts::unique() const {
  std::array<unsigned char, 18> octets;
  RAND_bytes(octets.data(), octets.size());
  return base64_encode({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

std::string ConnectionFacts::channel_binding(std::string_view type) const {
  return session_.secure() ? postigo::channel_binding(session_.client()->tls()->ssl(), type) : std::string();
}

std::string ConnectionFacts::certificate_name() const {
  bool asked = session_.secure() && session_.frontend().client_certificate != config::ClientCertificate::off;
  if (!asked) return {};
  return name_in_certificate(session_.client()->tls()->ssl(), session_.snapshot().live.tls.client_name);
}

Bytes ConnectionFacts::decoy_key() const {
  return {reinterpret_cast<const char*>(drawn_once().data()), drawn_once().size()};
}

}  // namespace postigo
