// A certificate authority for tests: makes keys and certificates as PEM files in a folder that goes with it.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {

class Authority {
 public:
  enum class Kind { ecdsa, rsa };

  explicit Authority(const std::string& name = "Test CA") : key_(make_key(Kind::ecdsa)) {
    certificate_ = make(name, "", key_.get(), "CA:TRUE");
    write_certificate("ca.pem");
  }

  std::string ca_file() const { return folder_.file("ca.pem"); }
  std::string file(const std::string& name) const { return folder_.file(name); }

  // `alternatives` as OpenSSL writes them: "DNS:mail.example.org,IP:127.0.0.1".
  // Valid between the two seconds from now.
  config::Certificate issue(const std::string& name, const std::string& alternatives, Kind kind = Kind::ecdsa,
                            long from_s = -3600, long until_s = 86'400) {
    bssl::UniquePtr<EVP_PKEY> key = make_key(kind);
    bssl::UniquePtr<X509> leaf = make(name, alternatives, key.get(), "CA:FALSE", from_s, until_s);
    config::Certificate files;
    std::string stem = std::to_string(serial_);
    files.certificate_file = file(stem + ".pem");
    files.key_file = file(stem + ".key");
    write(files.certificate_file, [&](FILE* to) { return PEM_write_X509(to, leaf.get()); });
    write(files.key_file,
          [&](FILE* to) { return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return files;
  }

  // A list that revokes these, made by us, in a file of that name. REQUIRES: issue() made them.
  std::string revoke(const std::string& name, const std::vector<long>& serials) {
    bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
    bssl::UniquePtr<ASN1_TIME> from(X509_gmtime_adj(nullptr, -3600)), until(X509_gmtime_adj(nullptr, 86'400));
    X509_CRL_set1_lastUpdate(list.get(), from.get());
    X509_CRL_set1_nextUpdate(list.get(), until.get());
    for (long serial : serials) {
      X509_REVOKED* revoked = X509_REVOKED_new();
      bssl::UniquePtr<ASN1_INTEGER> number(ASN1_INTEGER_new());
      ASN1_INTEGER_set(number.get(), serial);
      X509_REVOKED_set_serialNumber(revoked, number.get());
      X509_REVOKED_set_revocationDate(revoked, from.get());
      X509_CRL_add0_revoked(list.get(), revoked);
    }
    X509_CRL_sort(list.get());
    X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
    write(file(name), [&](FILE* to) { return PEM_write_X509_CRL(to, list.get()); });
    return file(name);
  }
  long last_serial() const { return serial_; }

  // The authority's own certificate, as a server's.
  config::Certificate own() {
    config::Certificate files;
    files.certificate_file = ca_file();
    files.key_file = file("ca.key");
    write(files.key_file,
          [&](FILE* to) { return PEM_write_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return files;
  }

 private:
  static bssl::UniquePtr<EVP_PKEY> make_key(Kind kind) {
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    if (kind == Kind::ecdsa) {
      EC_KEY* ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
      EC_KEY_generate_key(ec);
      EVP_PKEY_assign_EC_KEY(key.get(), ec);
    } else {
      bssl::UniquePtr<BIGNUM> exponent(BN_new());
      BN_set_word(exponent.get(), RSA_F4);
      RSA* rsa = RSA_new();
      RSA_generate_key_ex(rsa, 2048, exponent.get(), nullptr);
      EVP_PKEY_assign_RSA(key.get(), rsa);
    }
    return key;
  }

  bssl::UniquePtr<X509> make(const std::string& name, const std::string& alternatives, EVP_PKEY* key,
                             const char* constraints, long from_s = -3600, long until_s = 86'400) {
    bssl::UniquePtr<X509> made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), until_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const uint8_t*>(name.data()), static_cast<int>(name.size()), -1, 0);
    X509* issuer = certificate_ ? certificate_.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    X509_set_pubkey(made.get(), key);
    extend(made.get(), issuer, NID_basic_constraints, constraints);
    if (!alternatives.empty()) extend(made.get(), issuer, NID_subject_alt_name, alternatives);
    X509_sign(made.get(), key_.get(), EVP_sha256());
    return made;
  }
  static void extend(X509* to, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, what, value.c_str()));
    X509_add_ext(to, extension.get(), -1);
  }
  void write_certificate(const std::string& name) {
    write(file(name), [&](FILE* to) { return PEM_write_X509(to, certificate_.get()); });
  }
  template <typename Write>
  static void write(const std::string& path, Write write) {
    std::unique_ptr<FILE, int (*)(FILE*)> to(std::fopen(path.c_str(), "w"), std::fclose);
    write(to.get());
  }

  Temporary folder_;
  long serial_ = 0;
  bssl::UniquePtr<EVP_PKEY> key_;
  bssl::UniquePtr<X509> certificate_;
};

}  // namespace postigo
