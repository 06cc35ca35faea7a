// Keys as BoringSSL has them, one class per kind of key. Not here: what is signed (jwt.cc), where keys come from
// (directory/drivers/oauth.cc).
#include "backends/oauth/jwk.h"

#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "backends/oauth/base64url.h"

namespace postigo::oauth {
namespace {

using Json = nlohmann::json;

const uint8_t* octets(Bytes bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm.ends_with("256")) return EVP_sha256();
  return algorithm.ends_with("384") ? EVP_sha384() : EVP_sha512();
}

std::string member(const Json& key, const char* name) {
  auto found = key.find(name);
  return found != key.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An integer, big-endian (RFC 7518 2); null if it is none.
bssl::UniquePtr<BIGNUM> number(const Json& key, const char* name) {
  auto text = base64url_decode(member(key, name));
  if (!text || text->empty()) return nullptr;
  return bssl::UniquePtr<BIGNUM>(BN_bin2bn(octets(*text), text->size(), nullptr));
}

class RsaKey final : public Jwk {
 public:
  explicit RsaKey(bssl::UniquePtr<EVP_PKEY> key) : key_(std::move(key)) {}

  bool can(std::string_view algorithm) const override { return algorithm.starts_with("RS") || pss(algorithm); }
  bool verify(std::string_view algorithm, Bytes text, Bytes signature) const override {
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* terms = nullptr;
    if (EVP_DigestVerifyInit(context.get(), &terms, digest_of(algorithm), nullptr, key_.get()) != 1) return false;
    // RFC 7518 3.5: the salt is as long as the hash.
    if (pss(algorithm) && (EVP_PKEY_CTX_set_rsa_padding(terms, RSA_PKCS1_PSS_PADDING) != 1 ||
                           EVP_PKEY_CTX_set_rsa_pss_saltlen(terms, -1) != 1)) {
      return false;
    }
    return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text), text.size()) == 1;
  }

 private:
  static bool pss(std::string_view algorithm) { return algorithm.starts_with("PS"); }

  bssl::UniquePtr<EVP_PKEY> key_;
};

struct Curve {
  std::string_view name, algorithm;
  int nid;
  size_t size;  // of a coordinate
};

constexpr std::array kCurves = {
    Curve{"P-256", "ES256", NID_X9_62_prime256v1, 32},
    Curve{"P-384", "ES384", NID_secp384r1, 48},
    Curve{"P-521", "ES512", NID_secp521r1, 66},
};

class EcKey final : public Jwk {
 public:
  EcKey(const Curve& curve, bssl::UniquePtr<EC_KEY> key) : curve_(curve), key_(std::move(key)) {}

  bool can(std::string_view algorithm) const override { return algorithm == curve_.algorithm; }
  // RFC 7518 3.4: both numbers, each as long as a coordinate.
  bool verify(std::string_view algorithm, Bytes text, Bytes signature) const override {
    if (signature.size() != 2 * curve_.size) return false;
    bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(octets(signature), curve_.size, nullptr);
    BIGNUM* s = BN_bin2bn(octets(signature) + curve_.size, curve_.size, nullptr);
    if (pair == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
      BN_free(r);
      BN_free(s);
      return false;
    }
    std::array<uint8_t, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), hash.data(), &size, digest_of(algorithm), nullptr) != 1) return false;
    return ECDSA_do_verify(hash.data(), size, pair.get(), key_.get()) == 1;
  }

 private:
  const Curve& curve_;
  bssl::UniquePtr<EC_KEY> key_;
};

class EdKey final : public Jwk {
 public:
  explicit EdKey(std::string key) : key_(std::move(key)) {}

  bool can(std::string_view algorithm) const override { return algorithm == "EdDSA"; }
  bool verify(std::string_view, Bytes text, Bytes signature) const override {
    return signature.size() == ED25519_SIGNATURE_LEN &&
           ED25519_verify(octets(text), text.size(), octets(signature), octets(key_)) == 1;
  }

 private:
  std::string key_;
};

using Made = Result<std::shared_ptr<Jwk>>;

Made make_rsa(const Json& json) {
  constexpr unsigned kBitsMin = 2048, kBitsMax = 8192;
  auto n = number(json, "n"), e = number(json, "e");
  if (n == nullptr || e == nullptr) return fail("an RSA key without its numbers");
  if (BN_num_bits(n.get()) < kBitsMin || BN_num_bits(n.get()) > kBitsMax) {
    return fail("an RSA key of " + std::to_string(BN_num_bits(n.get())) + " bits");
  }
  bssl::UniquePtr<RSA> rsa(RSA_new());
  if (rsa == nullptr || RSA_set0_key(rsa.get(), n.get(), e.get(), nullptr) != 1) return fail("a damaged RSA key");
  (void)n.release();
  (void)e.release();
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (key == nullptr || EVP_PKEY_set1_RSA(key.get(), rsa.get()) != 1) return fail("a damaged RSA key");
  return std::make_shared<RsaKey>(std::move(key));
}

Made make_ec(const Json& json) {
  const std::string name = member(json, "crv");
  auto curve = std::find_if(kCurves.begin(), kCurves.end(), [&](const Curve& row) { return row.name == name; });
  if (curve == kCurves.end()) return nullptr;
  auto x = number(json, "x"), y = number(json, "y");
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(curve->nid));
  // Checks that the point is on the curve.
  if (x == nullptr || y == nullptr || key == nullptr ||
      EC_KEY_set_public_key_affine_coordinates(key.get(), x.get(), y.get()) != 1) {
    return fail("a damaged EC key");
  }
  return std::make_shared<EcKey>(*curve, std::move(key));
}

Made make_okp(const Json& json) {
  if (member(json, "crv") != "Ed25519") return nullptr;
  auto key = base64url_decode(member(json, "x"));
  if (!key || key->size() != ED25519_PUBLIC_KEY_LEN) return fail("a damaged Ed25519 key");
  return std::make_shared<EdKey>(std::move(*key));
}

// Null: a key that is not for us.
Made make_key(const Json& json) {
  if (!json.is_object()) return fail("a key that is no object");
  const std::string use = member(json, "use"), type = member(json, "kty");
  if (!use.empty() && use != "sig") return nullptr;
  if (type == "RSA") return make_rsa(json);
  if (type == "EC") return make_ec(json);
  return type == "OKP" ? make_okp(json) : nullptr;  // "oct": a secret that everybody could read here
}

// RFC 7517 4.4: a key that says for which algorithm it is serves no other.
class Bound final : public Jwk {
 public:
  Bound(std::shared_ptr<const Jwk> key, std::string algorithm) : key_(std::move(key)), only_(std::move(algorithm)) {}
  bool can(std::string_view algorithm) const override { return algorithm == only_ && key_->can(algorithm); }
  bool verify(std::string_view algorithm, Bytes text, Bytes signature) const override {
    return key_->verify(algorithm, text, signature);
  }

 private:
  std::shared_ptr<const Jwk> key_;
  std::string only_;
};

bool is_meant(const Jwk& key, std::string_view id, std::string_view algorithm) {
  return (id.empty() || key.id == id) && key.can(algorithm);
}

}  // namespace

Result<JwkSet> JwkSet::parse(std::string_view text) {
  if (text.size() > kTextMax) return fail("more than a set of keys may have");
  const Json json = Json::parse(text, nullptr, false);
  auto keys = json.is_object() ? json.find("keys") : json.end();
  if (json.is_discarded() || keys == json.end() || !keys->is_array()) return fail("no set of keys (RFC 7517)");
  if (keys->size() > kKeysMax) return fail("more keys than anybody needs");
  JwkSet set;
  for (const Json& each : *keys) {
    Made key = make_key(each);
    if (!key) return tl::unexpected(key.error());
    if (*key == nullptr) continue;
    std::string algorithm = member(each, "alg");
    std::shared_ptr<Jwk> made = algorithm.empty() ? *key : std::make_shared<Bound>(*key, std::move(algorithm));
    made->id = member(each, "kid");
    set.keys_.push_back(std::move(made));
  }
  if (set.keys_.empty()) return fail("no key that signs");
  return set;
}

bool JwkSet::knows(std::string_view id, std::string_view algorithm) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const auto& key) { return is_meant(*key, id, algorithm); });
}

bool JwkSet::verify(std::string_view id, std::string_view algorithm, Bytes signed_text, Bytes signature) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const auto& key) {
    return is_meant(*key, id, algorithm) && key->verify(algorithm, signed_text, signature);
  });
}

}  // namespace postigo::oauth
