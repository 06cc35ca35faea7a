// BoringSSL's reasons as words that an operator can act upon. Not here: when a connection fails (tls.cc).
#include "proxy/net/tls_error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <string_view>

namespace postigo {
namespace {

struct Row {
  int reason;
  const char* words;
};

constexpr Row kReasons[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "no protocol version in common"},
    {SSL_R_NO_SHARED_CIPHER, "no cipher in common"},
    {SSL_R_NO_SHARED_GROUP, "no key exchange in common"},
    {SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, "no signature algorithm in common"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no application protocol (ALPN) in common"},
    {SSL_R_INVALID_ALPN_PROTOCOL, "an application protocol (ALPN) that was not offered"},
    {SSL_R_WRONG_VERSION_NUMBER, "not TLS: clear text, or a port that expects STARTTLS"},
    {SSL_R_HTTP_REQUEST, "not TLS: an HTTP request"},
    {SSL_R_HTTPS_PROXY_REQUEST, "not TLS: an HTTP request"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record is damaged or forged"},
};

// Of the chain, as the peer sent it and we know the authorities.
constexpr Row kVerdicts[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "the certificate has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "the certificate is not yet valid"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "name mismatch: the certificate is for other names"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "name mismatch: the certificate is not for this IP address"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "a self-signed certificate that is not in ca_file"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown CA: the chain ends with an authority that is not trusted"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "unknown CA: the issuer is not trusted, or the chain is incomplete"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown CA: the issuer is not trusted, or the chain is incomplete"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown CA: the issuer is not trusted, or the chain is incomplete"},
    {X509_V_ERR_CERT_REVOKED, "the certificate is revoked"},
    {X509_V_ERR_INVALID_PURPOSE, "the certificate is not for servers"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "a signature in the chain is wrong"},
};

template <size_t N>
const char* find(const Row (&rows)[N], int reason) {
  for (const Row& row : rows) {
    if (row.reason == reason) return row.words;
  }
  return nullptr;
}

std::string time_text(const ASN1_TIME* time) {
  bssl::UniquePtr<BIO> memory(BIO_new(BIO_s_mem()));
  const uint8_t* text = nullptr;
  size_t size = 0;
  if (memory == nullptr || !ASN1_TIME_print(memory.get(), time)) return "?";
  BIO_mem_contents(memory.get(), &text, &size);
  return {reinterpret_cast<const char*>(text), size};
}

std::string bad_certificate(const SSL* ssl) {
  long verdict = SSL_get_verify_result(ssl);
  const char* words = find(kVerdicts, static_cast<int>(verdict));
  std::string text = words != nullptr ? words : X509_verify_cert_error_string(verdict);
  bssl::UniquePtr<X509> leaf(SSL_get_peer_certificate(ssl));
  if (verdict == X509_V_ERR_CERT_HAS_EXPIRED && leaf != nullptr) {
    text += ": " + time_text(X509_get0_notAfter(leaf.get()));  // or an authority's, if this is in the future
  }
  const char* wanted = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH && wanted != nullptr) text += std::string(" than ") + wanted;
  return text;
}

std::string alert(int description) { return std::string("alert received: ") + SSL_alert_desc_string_long(description); }

// OpenSSL's clients that do not like our certificate say so in TLS 1.3 before they encrypt, and BoringSSL takes that
// for a record that is too short. The commonest of all complaints is worth a look. The description, or -1.
int unencrypted_alert(Bytes received) {
  constexpr Bytes kHead("\x15\x03\x03\x00\x02\x02", 6);
  if (received.size() < kHead.size() + 1) return -1;
  Bytes record = received.substr(received.size() - kHead.size() - 1);
  return record.starts_with(kHead) ? static_cast<unsigned char>(record.back()) : -1;
}

// Empty: BoringSSL's own name has to do.
std::string words_for(const SSL* ssl, uint32_t code, Bytes received) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return {};
  int reason = ERR_GET_REASON(code);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return bad_certificate(ssl);
  if (reason > SSL_AD_REASON_OFFSET) return alert(reason - SSL_AD_REASON_OFFSET);
  if (int found = unencrypted_alert(received); reason == SSL_R_BAD_PACKET_LENGTH && found >= 0) return alert(found);
  const char* words = find(kReasons, reason);
  return words != nullptr ? words : "";
}

}  // namespace

std::string tls_failure(const SSL* ssl, int ssl_error, Bytes received) {
  uint32_t code = ERR_peek_error();
  std::string text = code != 0 ? words_for(ssl, code, received) : "TLS error " + std::to_string(ssl_error);
  const char* name = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  if (name == nullptr) return text;
  return text.empty() ? name : text + " (" + name + ")";
}

}  // namespace postigo
