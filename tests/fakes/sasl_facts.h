// Facts that a test makes up, and stored secrets from passwords as a directory has them.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <map>
#include <string>

#include "parser/base/base64.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/facts.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

class FakeFacts : public sasl::Facts {
 public:
  std::string unique() const override { return said; }
  std::string channel_binding(std::string_view type) const override {
    auto found = bindings.find(std::string(type));
    return found == bindings.end() ? std::string() : found->second;
  }
  std::string certificate_name() const override { return certificate; }
  Bytes decoy_key() const override { return "a key that nobody knows"; }

  std::string said = "0123456789abcdefghijklmn";
  std::map<std::string, std::string> bindings;
  std::string certificate;
};

// SaltedPassword of RFC 5802 3; salt in octets.
inline Secret salted(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> made{};
  PKCS5_PBKDF2_HMAC(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                    iterations, hash, EVP_MD_size(hash), made.data());
  return Secret(Bytes(reinterpret_cast<const char*>(made.data()), EVP_MD_size(hash)));
}

inline ScramKeys scram_keys(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  Secret made = salted(hash, password, salt, iterations);
  ScramKeys keys;
  keys.iterations = iterations;
  keys.salt = salt;
  keys.stored_key = sasl::digest(hash, sasl::hmac(hash, made.reveal(), "Client Key").reveal());
  keys.server_key = sasl::hmac(hash, made.reveal(), "Server Key");
  return keys;
}

// As a directory that has the password itself: fit for every mechanism. `salt` in base64.
inline StoredSecret secret_of_password(Bytes password,
                                       Bytes salt = "W22ZaJ0SNY7soEsUEjb6gQ==", unsigned iterations = 4096) {
  StoredSecret secret;
  std::string octets(base64_decode(salt)->reveal());
  secret.cleartext = Secret(password);
  secret.sha1 = scram_keys(EVP_sha1(), password, octets, iterations);
  secret.sha256 = scram_keys(EVP_sha256(), password, octets, iterations);
  return secret;
}

}  // namespace postigo
