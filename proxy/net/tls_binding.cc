// Not here: which types a client may use with which mechanism (parser/sasl), and what it makes of them.
#include "proxy/net/tls_binding.h"

#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/x509.h>

#include <array>

namespace postigo {
namespace {

constexpr size_t kExported = 32;  // RFC 9266 2

template <size_t kSize>
std::string text(const std::array<uint8_t, kSize>& octets, size_t size) {
  return {reinterpret_cast<const char*>(octets.data()), size};
}

std::string exported(const SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  bool unique = SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;
  std::array<uint8_t, kExported> octets;
  if (!unique || SSL_export_keying_material(const_cast<SSL*>(ssl), octets.data(), octets.size(), kLabel.data(),
                                            kLabel.size(), nullptr, 0, 1) != 1) {
    return {};
  }
  return text(octets, octets.size());
}

std::string finished(const SSL* ssl) {
  std::array<uint8_t, 64> octets;
  size_t size = 0;
  if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_tls_unique(ssl, octets.data(), &size, octets.size()) != 1)
    return {};
  return text(octets, size);
}

// The hash is that of the certificate's signature, but for MD5 and SHA-1. A signature without one (Ed25519) defines
// none; RSA-PSS has it among its parameters, which are SHA-256 as a rule.
std::string end_point(const SSL* ssl) {
  X509* certificate = SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl));
  int hash = NID_undef, key = NID_undef;
  if (certificate == nullptr || OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, &key) != 1) return {};
  if (hash == NID_md5 || hash == NID_sha1 || key == NID_rsassaPss) hash = NID_sha256;
  const EVP_MD* made = EVP_get_digestbynid(hash);
  std::array<uint8_t, EVP_MAX_MD_SIZE> octets;
  unsigned size = 0;
  if (made == nullptr || X509_digest(certificate, made, octets.data(), &size) != 1) return {};
  return text(octets, size);
}

}  // namespace

std::string channel_binding(const SSL* ssl, std::string_view type) {
  if (type == "tls-exporter") return exported(ssl);
  if (type == "tls-unique") return finished(ssl);
  if (type == "tls-server-end-point") return end_point(ssl);
  return {};
}

}  // namespace postigo
