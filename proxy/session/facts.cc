// TLS ends at us, so that what a balancer says of the client's TLS (PROXY version 2) is no fact here.
#include "proxy/session/facts.h"

#include <openssl/digest.h>
#include <openssl/rand.h>

#include <array>

#include "parser/base/base64.h"
#include "parser/sasl/crypto.h"
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

std::string unique_text() {
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

// The same after a restart, and of all instances, where they share the master's password: who could compare would learn
// whose salts are made up. Without one, this process's own.
Bytes ConnectionFacts::decoy_key() const {
  const Bytes master = session_.snapshot().live.auth.backend_login.master_password.reveal();
  if (master.empty()) return {reinterpret_cast<const char*>(drawn_once().data()), drawn_once().size()};
  if (decoy_key_.empty()) decoy_key_ = sasl::hmac(EVP_sha256(), master, "postigo/decoy/v1");
  return decoy_key_.reveal();
}

}  // namespace postigo
