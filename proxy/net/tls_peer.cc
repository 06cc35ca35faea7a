// Not here: what the name is good for (EXTERNAL, parser/sasl), and who is asked where (snapshot.cc).
#include "proxy/net/tls_peer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "parser/sasl/credentials.h"
#include "proxy/net/pem.h"

namespace postigo {
namespace {

bool load_authorities(SSL_CTX* context, const std::string& file, config::Problems& problems) {
  auto roots = read_certificates(file);
  if (!roots) {
    problems.push_back(config::error_at("tls.client_ca", roots.error().message));
    return false;
  }
  check_times(*roots, file, "tls.client_ca", problems);
  for (const auto& root : *roots) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
    SSL_CTX_add_client_CA(context, root.get());  // so that a client with several certificates knows which one is wanted
  }
  return true;
}

bool load_revocations(SSL_CTX* context, const std::string& file, config::Problems& problems) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  bssl::UniquePtr<BIO> source(BIO_new_file(file.c_str(), "r"));
  size_t count = 0;
  while (source != nullptr) {
    bssl::UniquePtr<X509_CRL> list(PEM_read_bio_X509_CRL(source.get(), nullptr, nullptr, nullptr));
    if (list == nullptr) break;
    X509_STORE_add_crl(store, list.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) {
    problems.push_back(config::error_at("tls.client_crl", file + ": no list of revoked certificates in PEM in it"));
    return false;
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return true;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string in_alternative_names(const X509* certificate, int type) {
  bssl::UniquePtr<GENERAL_NAMES> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string found;
  for (size_t i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != type) continue;
    if (!found.empty()) return {};
    found = text_of(type == GEN_DNS ? name->d.dNSName : name->d.rfc822Name);
  }
  return found;
}

std::string in_subject(const X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, nid, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0) return {};
  unsigned char* made = nullptr;
  int size = ASN1_STRING_to_UTF8(&made, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(made), static_cast<size_t>(size));
  OPENSSL_free(made);
  return text;
}

std::string part_of(const X509* certificate, config::CertificateName part) {
  switch (part) {
    case config::CertificateName::san_email:
      return in_alternative_names(certificate, GEN_EMAIL);
    case config::CertificateName::san_dns:
      return in_alternative_names(certificate, GEN_DNS);
    case config::CertificateName::subject_cn:
      return in_subject(certificate, NID_commonName);
    case config::CertificateName::subject_email:
      return in_subject(certificate, NID_pkcs9_emailAddress);
    case config::CertificateName::subject_uid:
      return in_subject(certificate, NID_userId);
  }
  return {};
}

}  // namespace

bool ask_for_certificates(SSL_CTX* context, const config::TlsServer& options, config::ClientCertificate how,
                          config::Problems& problems) {
  if (how == config::ClientCertificate::off) return true;
  bool required = how == config::ClientCertificate::require;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  // A ticket would go on proving what a certificate has proven once, after it was revoked and at other listeners (A17).
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  bool good = load_authorities(context, options.client_ca_file, problems);
  return (options.client_crl_file.empty() || load_revocations(context, options.client_crl_file, problems)) && good;
}

std::string name_in_certificate(const SSL* ssl, config::CertificateName part) {
  bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl));
  if (certificate == nullptr) return {};
  std::string name = part_of(certificate.get(), part);
  return sasl::acceptable_user(name) ? name : std::string();
}

}  // namespace postigo
