// One table of schemes for what is slow by design, libargon2 and libcrypt, and for SCRAM's keys; digests are in
// password_digest.cc. Not here: threads (entry.cc offloads), and
// policy about which schemes are good enough (the operator's hashes are as they are).
#include "backends/directory/password.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/password_cost.h"
#include "backends/directory/password_digest.h"
#include "backends/directory/scram_keys.h"
#include "parser/base/ascii.h"
#include "parser/sasl/prepare.h"

namespace postigo {
namespace {

enum class Kind { argon2id, argon2i, crypt, plain, scram_sha1, scram_sha256, digest };

struct Scheme {
  std::string_view name;
  Kind kind;
  std::string_view prefix;  // what the hash must start with
};

constexpr Scheme kSchemes[] = {
    {"ARGON2ID", Kind::argon2id, "$argon2id$"},
    {"ARGON2I", Kind::argon2i, "$argon2i$"},
    {"ARGON2", Kind::argon2id, "$argon2id$"},
    {"ARGON2", Kind::argon2i, "$argon2i$"},
    {"CRYPT", Kind::crypt, ""},
    {"SHA512-CRYPT", Kind::crypt, "$6$"},
    {"SHA256-CRYPT", Kind::crypt, "$5$"},
    {"MD5-CRYPT", Kind::crypt, "$1$"},
    {"MD5", Kind::crypt, "$1$"},
    {"BLF-CRYPT", Kind::crypt, "$2"},
    {"BCRYPT", Kind::crypt, "$2"},
    {"YESCRYPT", Kind::crypt, "$y$"},
    {"GOST-YESCRYPT", Kind::crypt, "$gy$"},
    {"SCRYPT", Kind::crypt, "$7$"},
    {"SUNMD5", Kind::crypt, "$md5"},
    {"DES-CRYPT", Kind::crypt, ""},
    {"PLAIN", Kind::plain, ""},
    {"CLEAR", Kind::plain, ""},
    {"CLEARTEXT", Kind::plain, ""},
    {"SCRAM-SHA-1", Kind::scram_sha1, ""},
    {"SCRAM-SHA-256", Kind::scram_sha256, ""},
};

// What Dovecot and LDAP servers have beside those.
constexpr std::string_view kForeignSchemes[] = {
    "DIGEST-MD5", "LANMAN", "NTLM", "OTP", "PLAIN-MD4", "PLAIN-TRUNC", "RPA", "SASL", "SKEY",
};

struct Parsed {
  Kind kind;
  std::string hash;  // without the scheme; NUL-terminated for the libraries
  std::optional<PasswordDigest> digest = {};
};

constexpr size_t kSaltSize = 16;
constexpr size_t kTagSize = 32;

Result<Parsed> without_scheme(std::string_view hash) {
  if (hash.starts_with("$argon2id$")) return Parsed{Kind::argon2id, std::string(hash)};
  if (hash.starts_with("$argon2i$")) return Parsed{Kind::argon2i, std::string(hash)};
  if (hash.starts_with("$")) return Parsed{Kind::crypt, std::string(hash)};
  if (hash.starts_with("SCRAM-SHA-1$")) return Parsed{Kind::scram_sha1, std::string(hash.substr(12))};
  if (hash.starts_with("SCRAM-SHA-256$")) return Parsed{Kind::scram_sha256, std::string(hash.substr(14))};
  return fail("the stored password names no {SCHEME} and does not start with \"$\"");
}

// Braces may stand in a password that somebody forgot to hash: only words that are certainly schemes are shown.
tl::unexpected<Error> unknown_scheme(std::string_view name) {
  for (std::string_view foreign : kForeignSchemes) {
    if (equal_ignoring_case(name, foreign))
      return fail(fmt::format("passwords of scheme {{{}}} are not supported", foreign));
  }
  return fail("the stored password's {SCHEME} is not known");
}

// Takes ".HEX" and the like from the end of a scheme's name.
Encoding take_encoding(std::string_view& name) {
  constexpr std::pair<std::string_view, Encoding> kSuffixes[] = {
      {".HEX", Encoding::hex}, {".B64", Encoding::base64}, {".BASE64", Encoding::base64}};
  for (const auto& [suffix, encoding] : kSuffixes) {
    if (name.size() <= suffix.size() || !equal_ignoring_case(name.substr(name.size() - suffix.size()), suffix))
      continue;
    name.remove_suffix(suffix.size());
    return encoding;
  }
  return Encoding::usual;
}

Result<Parsed> parse_digest(const PasswordDigest::Scheme& scheme, Encoding encoding, std::string_view text) {
  auto digest = PasswordDigest::parse(scheme, encoding, text);
  if (!digest) return tl::unexpected(digest.error());
  return Parsed{Kind::digest, {}, std::move(*digest)};
}

// The row whose prefix fits, or else any of that name; null: there is none.
const Scheme* find_scheme(std::string_view name, std::string_view text) {
  const Scheme* found = nullptr;
  for (const Scheme& scheme : kSchemes) {
    if (!equal_ignoring_case(name, scheme.name)) continue;
    found = &scheme;
    if (text.starts_with(scheme.prefix)) break;
  }
  return found;
}

Result<Parsed> parse(std::string_view stored) {
  if (!stored.starts_with("{")) return without_scheme(stored);
  size_t end = stored.find('}');
  if (end == std::string_view::npos) return fail("the stored password's {SCHEME} has no end");
  std::string_view name = stored.substr(1, end - 1);
  std::string_view text = stored.substr(end + 1);
  const Encoding encoding = take_encoding(name);
  const bool md5 = equal_ignoring_case(name, "MD5") && !text.starts_with("$1$");  // either of two, as Dovecot has it
  if (const auto* digest = PasswordDigest::find(md5 ? "PLAIN-MD5" : name)) return parse_digest(*digest, encoding, text);
  auto decoded = decode_stored(encoding, text);
  const Scheme* scheme = find_scheme(name, decoded ? decoded->reveal() : Bytes());
  if (scheme == nullptr) return unknown_scheme(name);
  if (!decoded) return fail("the stored password is damaged: it is not encoded as its {SCHEME} says");
  if (decoded->empty()) return fail(fmt::format("the stored password is only {{{}}}", scheme->name));
  if (!decoded->reveal().starts_with(scheme->prefix)) return fail(fmt::format("not a {} hash", scheme->name));
  return Parsed{scheme->kind, std::string(decoded->reveal())};
}

ScramHash scram_hash_of(Kind kind) { return kind == Kind::scram_sha1 ? ScramHash::sha1 : ScramHash::sha256; }

bool is_scram(Kind kind) { return kind == Kind::scram_sha1 || kind == Kind::scram_sha256; }

Result<void> check_cost(const Parsed& parsed) {
  if (parsed.kind == Kind::plain || parsed.kind == Kind::digest) return {};
  if (!is_scram(parsed.kind)) return check_password_cost(parsed.hash);
  auto keys = parse_scram_keys(scram_hash_of(parsed.kind), parsed.hash);
  return keys ? Result<void>() : tl::unexpected(keys.error());
}

// What can be hashed at a bounded cost.
Result<Parsed> parse_usable(std::string_view stored) {
  Result<Parsed> parsed = parse(stored);
  if (!parsed) return parsed;
  if (auto good = check_cost(*parsed); !good) return tl::unexpected(good.error());
  return parsed;
}

Result<bool> verify_argon2(const Secret& password, const std::string& encoded, argon2_type type) {
  Bytes bytes = password.reveal();
  int code = argon2_verify(encoded.c_str(), bytes.data(), bytes.size(), type);
  if (code == ARGON2_OK) return true;
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  return fail(fmt::format("argon2: {}", argon2_error_message(code)));
}

// Clients put a password into RFC 4013's form before they prove that they know it (RFC 5802 2.2).
Secret as_in_scram(const Secret& password) { return prepared_password(password).value_or(password); }

Result<bool> verify_scram(const Secret& password, const std::string& text, ScramHash hash) {
  auto keys = parse_scram_keys(hash, text);
  if (!keys) return tl::unexpected(keys.error());
  const auto matches = [&](const Secret& said) {
    return derive_scram_keys(hash, said, keys->salt, keys->iterations).stored_key.equals(keys->stored_key.reveal());
  };
  if (matches(as_in_scram(password))) return true;
  // Dovecot makes keys of passwords as they are.
  return !as_in_scram(password).equals(password.reveal()) && matches(password);
}

// libcrypt takes C strings of limited length: what would be cut short is hashed for the time it takes, and is wrong.
Result<bool> verify_crypt(const Secret& password, const std::string& hash) {
  std::array<char, CRYPT_MAX_PASSPHRASE_SIZE> phrase{};
  Bytes bytes = password.reveal();
  const bool whole = bytes.size() < phrase.size() && bytes.find('\0') == Bytes::npos;
  if (whole && !bytes.empty()) std::memcpy(phrase.data(), bytes.data(), bytes.size());
  auto scratch = std::make_unique<crypt_data>();
  const char* output = crypt_r(phrase.data(), hash.c_str(), scratch.get());
  const bool usable = output && output[0] != '*';
  const Secret computed(usable ? Bytes(output) : Bytes());
  wipe(phrase.data(), phrase.size());
  wipe(scratch.get(), sizeof(crypt_data));
  if (!usable) return fail("libcrypt does not know this hash");
  return computed.equals(hash) && whole;
}

Result<bool> verify(const Secret& password, const Parsed& stored) {
  switch (stored.kind) {
    case Kind::argon2id:
      return verify_argon2(password, stored.hash, Argon2_id);
    case Kind::argon2i:
      return verify_argon2(password, stored.hash, Argon2_i);
    case Kind::crypt:
      return verify_crypt(password, stored.hash);
    case Kind::scram_sha1:
    case Kind::scram_sha256:
      return verify_scram(password, stored.hash, scram_hash_of(stored.kind));
    case Kind::digest:
      return stored.digest->matches(password);
    case Kind::plain:
      break;
  }
  return password.equals(stored.hash);
}

std::atomic<uint64_t> checks{0};

std::optional<ScramKeys>& keys_of(StoredSecret& secret, ScramHash hash) {
  return hash == ScramHash::sha1 ? secret.sha1 : secret.sha256;
}

// A user's salt for keys that are made anew each time: always the same, as for a name that nobody has, and unlike
// anybody else's with the same password. One for each hash, as a user has whose keys are stored.
std::string salt_for(std::string_view user, ScramHash hash) {
  static const auto kKey = [] {
    std::array<unsigned char, 32> key{};
    RAND_bytes(key.data(), key.size());
    return key;
  }();
  std::array<unsigned char, EVP_MAX_MD_SIZE> salt{};
  unsigned size = 0;
  HMAC(hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256(), kKey.data(), kKey.size(),
       reinterpret_cast<const unsigned char*>(user.data()), user.size(), salt.data(), &size);
  return std::string(reinterpret_cast<const char*>(salt.data()), kSaltSize);
}

}  // namespace

Result<bool> verify_password(const Secret& password, std::string_view stored) {
  Result<Parsed> parsed = parse_usable(stored);
  if (!parsed) return tl::unexpected(parsed.error());
  Result<bool> matches = verify(password, *parsed);
  if (matches) checks.fetch_add(1, std::memory_order_relaxed);
  return matches;
}

bool is_quick(std::string_view stored) {
  auto parsed = parse(stored);
  return parsed && parsed->kind == Kind::digest && parsed->digest->is_quick();
}

bool verify_quickly(const Secret& password, std::string_view stored) {
  auto parsed = parse(stored);
  return parsed && parsed->kind == Kind::digest && parsed->digest->is_quick() && parsed->digest->matches(password);
}

uint64_t password_checks() { return checks.load(std::memory_order_relaxed); }

Result<void> check_stored_password(std::string_view stored) {
  Result<Parsed> parsed = parse_usable(stored);
  if (!parsed) return tl::unexpected(parsed.error());
  if (parsed->kind == Kind::crypt && crypt_checksalt(parsed->hash.c_str()) == CRYPT_SALT_INVALID) {
    return fail("libcrypt does not know this hash");
  }
  return {};
}

Result<std::string> make_password(const Secret& password) {
  std::array<unsigned char, kSaltSize> salt{};
  if (getentropy(salt.data(), salt.size()) != 0) return fail("no entropy for a salt");
  std::string encoded(argon2_encodedlen(kArgon2Passes, kArgon2MemoryKib, kArgon2Lanes, kSaltSize, kTagSize, Argon2_id),
                      '\0');
  Bytes bytes = password.reveal();
  int code = argon2id_hash_encoded(kArgon2Passes, kArgon2MemoryKib, kArgon2Lanes, bytes.data(), bytes.size(),
                                   salt.data(), salt.size(), kTagSize, encoded.data(), encoded.size());
  if (code != ARGON2_OK) return fail(fmt::format("argon2: {}", argon2_error_message(code)));
  encoded.resize(std::strlen(encoded.c_str()));
  return "{ARGON2ID}" + encoded;
}

std::optional<Secret> prepared_password(const Secret& password) {
  auto form = sasl::prepare(password.reveal());
  if (!form) return std::nullopt;
  Secret prepared{*form};
  wipe(form->data(), form->size());
  return prepared;
}

Result<std::string> make_scram_password(const Secret& password) {
  std::array<char, kSaltSize> salt{};
  RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), salt.size());
  const Bytes octets(salt.data(), salt.size());
  return "{SCRAM-SHA-256}" +
         write_scram_keys(derive_scram_keys(ScramHash::sha256, as_in_scram(password), octets, kScramIterations));
}

std::string default_decoy() {
  return fmt::format("{{ARGON2ID}}$argon2id$v=19$m={},t={},p={}${}${}", kArgon2MemoryKib, kArgon2Passes, kArgon2Lanes,
                     "cG9zdGlnby9kZWNveS4uLg", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

bool secret_costs(std::string_view stored, std::string_view mechanism) {
  auto parsed = parse(stored);
  return parsed && parsed->kind == Kind::plain && scram_hash_of(mechanism);
}

StoredSecret stored_secret(std::string_view stored, std::string_view mechanism, std::string_view user) {
  StoredSecret secret;
  auto parsed = parse_usable(stored);
  if (!parsed) return secret;
  if (is_scram(parsed->kind)) {
    const ScramHash hash = scram_hash_of(parsed->kind);
    auto keys = parse_scram_keys(hash, parsed->hash);
    if (keys) keys_of(secret, hash) = std::move(*keys);
  } else if (parsed->kind == Kind::plain) {
    secret.cleartext = Secret(parsed->hash);
    if (auto hash = scram_hash_of(mechanism)) {
      keys_of(secret, *hash) =
          derive_scram_keys(*hash, as_in_scram(secret.cleartext), salt_for(user, *hash), kScramIterations);
    }
  }
  return secret;
}

}  // namespace postigo
