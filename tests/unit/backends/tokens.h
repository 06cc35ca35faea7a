// An issuer of a test's own: it makes keys, shows their public halves and signs what it is told to.
#pragma once

#include <openssl/base64.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace postigo {

class Signer {
 public:
  using Json = nlohmann::json;

  explicit Signer(unsigned rsa_bits = 2048) {
    bssl::UniquePtr<BIGNUM> e(BN_new());
    BN_set_word(e.get(), RSA_F4);
    rsa_.reset(RSA_new());
    RSA_generate_key_ex(rsa_.get(), static_cast<int>(rsa_bits), e.get(), nullptr);
    ec_.reset(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    EC_KEY_generate_key(ec_.get());
    ED25519_keypair(ed_public_, ed_private_);
  }

  static std::string url64(std::string_view octets) {
    std::vector<uint8_t> text(octets.size() * 2 + 8);
    size_t size = EVP_EncodeBlock(text.data(), reinterpret_cast<const uint8_t*>(octets.data()), octets.size());
    std::string made(text.begin(), text.begin() + static_cast<long>(size));
    while (made.ends_with('=')) made.pop_back();
    for (char& c : made) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return made;
  }

  Json rsa_key(const std::string& id = "r") const {
    return {{"kty", "RSA"}, {"kid", id}, {"n", number(RSA_get0_n(rsa_.get()))}, {"e", number(RSA_get0_e(rsa_.get()))}};
  }
  Json ec_key(const std::string& id = "e") const {
    bssl::UniquePtr<BIGNUM> x(BN_new()), y(BN_new());
    EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(ec_.get()), EC_KEY_get0_public_key(ec_.get()), x.get(),
                                        y.get(), nullptr);
    return {{"kty", "EC"}, {"crv", "P-256"}, {"kid", id}, {"x", padded(x.get())}, {"y", padded(y.get())}};
  }
  Json ed_key(const std::string& id = "d") const {
    std::string octets(reinterpret_cast<const char*>(ed_public_), sizeof ed_public_);
    return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"kid", id}, {"x", url64(octets)}};
  }
  Json keys() const { return {{"keys", {rsa_key(), ec_key(), ed_key()}}}; }

  std::string token(const std::string& algorithm, const std::string& id, const Json& claims) const {
    return raw(Json{{"alg", algorithm}, {"kid", id}}.dump(), claims.dump(), algorithm);
  }
  std::string raw(const std::string& header, const std::string& claims, const std::string& algorithm) const {
    std::string text = url64(header) + '.' + url64(claims);
    return text + '.' + url64(sign(algorithm, text));
  }

 private:
  static std::string octets_of(const BIGNUM* n, size_t size) {
    std::string octets(size, '\0');
    BN_bn2bin_padded(reinterpret_cast<uint8_t*>(octets.data()), size, n);
    return octets;
  }
  static std::string number(const BIGNUM* n) { return url64(octets_of(n, BN_num_bytes(n))); }
  static std::string padded(const BIGNUM* n) { return url64(octets_of(n, 32)); }

  std::string sign(const std::string& algorithm, const std::string& text) const {
    const auto* octets = reinterpret_cast<const uint8_t*>(text.data());
    if (algorithm == "EdDSA") {
      std::string signature(ED25519_SIGNATURE_LEN, '\0');
      ED25519_sign(reinterpret_cast<uint8_t*>(signature.data()), octets, text.size(), ed_private_);
      return signature;
    }
    if (algorithm.starts_with("ES")) {
      uint8_t hash[EVP_MAX_MD_SIZE];
      unsigned size = 0;
      EVP_Digest(text.data(), text.size(), hash, &size, EVP_sha256(), nullptr);
      bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_do_sign(hash, size, ec_.get()));
      return octets_of(ECDSA_SIG_get0_r(pair.get()), 32) + octets_of(ECDSA_SIG_get0_s(pair.get()), 32);
    }
    if (algorithm.starts_with("HS")) {  // the classical confusion: the public key as a shared secret
      uint8_t mac[EVP_MAX_MD_SIZE];
      unsigned size = 0;
      std::string secret = rsa_key().dump();
      HMAC(EVP_sha256(), secret.data(), secret.size(), octets, text.size(), mac, &size);
      return {reinterpret_cast<const char*>(mac), size};
    }
    if (algorithm == "none") return {};
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    EVP_PKEY_set1_RSA(key.get(), rsa_.get());
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* terms = nullptr;
    const EVP_MD* digest = algorithm.ends_with("512") ? EVP_sha512() : EVP_sha256();
    EVP_DigestSignInit(context.get(), &terms, digest, nullptr, key.get());
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(terms, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(terms, -1);
    }
    size_t size = RSA_size(rsa_.get());
    std::string signature(size, '\0');
    EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size, octets, text.size());
    signature.resize(size);
    return signature;
  }

  bssl::UniquePtr<RSA> rsa_;
  bssl::UniquePtr<EC_KEY> ec_;
  uint8_t ed_public_[ED25519_PUBLIC_KEY_LEN], ed_private_[ED25519_PRIVATE_KEY_LEN];
};

}  // namespace postigo
