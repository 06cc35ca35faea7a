// What the contexts allow, and where a client's tickets go.
#include "bench/common/tls.h"

#include <openssl/err.h>

#include <stdexcept>

#include "bench/common/stream.h"

namespace postigo::bench {
namespace {

int keeper_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// In TLS 1.3 tickets come after the handshake, often two of them. The newest counts.
int new_session(SSL* ssl, SSL_SESSION* session) {
  auto* keeper = static_cast<Stream*>(SSL_get_ex_data(ssl, keeper_index()));
  if (keeper == nullptr) return 0;
  keeper->take_ticket(session);
  return 1;
}

[[noreturn]] void give_up(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  throw std::runtime_error(what + ": " + (reason != nullptr ? reason : "unknown reason"));
}

Context plain_context() {
  Context context(SSL_CTX_new(TLS_method()));
  const int groups[] = {NID_X25519};
  SSL_CTX_set1_curves(context.get(), groups, 1);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_strict_cipher_list(context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
  return context;
}

// Tickets only.
void finish_server(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const uint8_t id[] = {'b', 'e', 'n', 'c', 'h'};
  SSL_CTX_set_session_id_context(context, id, sizeof id);
}

}  // namespace

Context server_context(const std::string& certificate, const std::string& key) {
  Context context = plain_context();
  if (!SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str())) give_up(certificate);
  if (!SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM)) give_up(key);
  if (!SSL_CTX_check_private_key(context.get())) give_up(key + " is not the key of " + certificate);
  finish_server(context.get());
  return context;
}

Context server_context(X509* certificate, EVP_PKEY* key) {
  Context context = plain_context();
  if (!SSL_CTX_use_certificate(context.get(), certificate) || !SSL_CTX_use_PrivateKey(context.get(), key)) {
    give_up("certificate");
  }
  finish_server(context.get());
  return context;
}

Context client_context(const std::string& ca) {
  Context context = plain_context();
  if (!ca.empty()) {
    if (!SSL_CTX_load_verify_locations(context.get(), ca.c_str(), nullptr)) give_up(ca);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  // A key share is sent for X25519 only; Perdition insists on P-256 and asks for it.
  const int groups[] = {NID_X25519, NID_X9_62_prime256v1};
  SSL_CTX_set1_curves(context.get(), groups, 2);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), new_session);
  return context;
}

bssl::UniquePtr<SSL> new_ssl(Loop& loop, SSL_CTX* context, Stream* keeper) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_ex_data(ssl.get(), keeper_index(), keeper);
  SSL_set_shed_handshake_config(ssl.get(), 1);
  BIO_up_ref(loop.bio());
  SSL_set_bio(ssl.get(), loop.bio(), loop.bio());
  return ssl;
}

}  // namespace postigo::bench
