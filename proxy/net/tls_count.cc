// Numbers of TLS to places in TlsStats. Not here: handshakes that fail, and how long they take (session/handshake.cc,
// session/dialer.cc).
#include "proxy/net/tls_count.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace postigo {
namespace {

template <size_t kSize>
size_t place_of(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

std::string_view group_name(uint16_t id) {
  switch (id) {
    case 0:
      return "none";
    case 0x11ec:
      return "X25519MLKEM768";
    case 29:
      return "X25519";
    case 23:
      return "secp256r1";
    case 24:
      return "secp384r1";
    case 25:
      return "secp521r1";
    default:
      return "other";
  }
}

std::string_view key_name(int kind) {
  switch (kind) {
    case EVP_PKEY_EC:
      return "ecdsa";
    case EVP_PKEY_RSA:
      return "rsa";
    case EVP_PKEY_ED25519:
      return "eddsa";
    default:
      return "other";
  }
}

// The server is us: its context was chosen for its key (tls_server.cc), and the connection has forgotten its own.
std::string_view signature_name(const SSL* ssl) {
  if (SSL_is_server(ssl) != 0) {
    const EVP_PKEY* key = SSL_CTX_get0_privatekey(SSL_get_SSL_CTX(ssl));
    return key_name(key != nullptr ? EVP_PKEY_id(key) : EVP_PKEY_NONE);
  }
  const uint16_t algorithm = SSL_get_peer_signature_algorithm(ssl);
  return algorithm != 0 ? key_name(SSL_get_signature_algorithm_key_type(algorithm)) : "other";
}

}  // namespace

void count_handshake(TlsStats& stats, const SSL* ssl) {
  const bool resumed = SSL_session_reused(ssl) != 0;
  stats.handshakes[SSL_version(ssl) == TLS1_3_VERSION ? 1 : 0][resumed ? 1 : 0].inc();
  stats.groups[place_of(kTlsGroupNames, group_name(SSL_get_curve_id(ssl)))].inc();
  if (!resumed) stats.signatures[place_of(kTlsSignatureNames, signature_name(ssl))].inc();
}

}  // namespace postigo
