// One table of schemes, two libraries behind it: libargon2 and libcrypt. Not here: threads (entry.cc offloads), and
// policy about which schemes are good enough (the operator's hashes are as they are).
#include "backends/directory/password.h"

#include <argon2.h>
#include <crypt.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "backends/directory/password_cost.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

enum class Kind { argon2id, argon2i, crypt, plain };

struct Scheme {
  std::string_view name;
  Kind kind;
  std::string_view prefix;  // what the hash must start with
};

constexpr Scheme kSchemes[] = {
    {"ARGON2ID", Kind::argon2id, "$argon2id$"},
    {"ARGON2I", Kind::argon2i, "$argon2i$"},
    {"CRYPT", Kind::crypt, ""},
    {"SHA512-CRYPT", Kind::crypt, "$6$"},
    {"SHA256-CRYPT", Kind::crypt, "$5$"},
    {"MD5-CRYPT", Kind::crypt, "$1$"},
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
};

// What Dovecot and LDAP servers have beside those.
constexpr std::string_view kForeignSchemes[] = {
    "ARGON2", "CRAM-MD5", "DIGEST-MD5", "HMAC-MD5",  "LANMAN",  "LDAP-MD5", "MD5",         "NTLM",
    "OTP",    "PBKDF2",   "PLAIN-MD5",  "PLAIN-MD4", "RPA",     "SHA",      "SHA1",        "SHA256",
    "SHA512", "SKEY",     "SMD5",       "SSHA",      "SSHA256", "SSHA512",  "SCRAM-SHA-1", "SCRAM-SHA-256",
};

struct Parsed {
  Kind kind;
  std::string hash;  // without the scheme; NUL-terminated for the libraries
};

constexpr size_t kSaltSize = 16;
constexpr size_t kTagSize = 32;

Result<Parsed> without_scheme(std::string_view hash) {
  if (hash.starts_with("$argon2id$")) return Parsed{Kind::argon2id, std::string(hash)};
  if (hash.starts_with("$argon2i$")) return Parsed{Kind::argon2i, std::string(hash)};
  if (hash.starts_with("$")) return Parsed{Kind::crypt, std::string(hash)};
  return fail("the stored password names no {SCHEME} and does not start with \"$\"");
}

// Braces may stand in a password that somebody forgot to hash: only words that are certainly schemes are shown.
tl::unexpected<Error> unknown_scheme(std::string_view name) {
  const std::string_view plain_name = name.substr(0, name.find('.'));  // {SHA256.HEX}
  for (std::string_view foreign : kForeignSchemes) {
    if (equal_ignoring_case(plain_name, foreign))
      return fail(fmt::format("passwords of scheme {{{}}} are not supported", foreign));
  }
  return fail("the stored password's {SCHEME} is not known");
}

Result<Parsed> parse(std::string_view stored) {
  if (!stored.starts_with("{")) return without_scheme(stored);
  size_t end = stored.find('}');
  if (end == std::string_view::npos) return fail("the stored password's {SCHEME} has no end");
  std::string_view name = stored.substr(1, end - 1);
  std::string_view hash = stored.substr(end + 1);
  for (const Scheme& scheme : kSchemes) {
    if (!equal_ignoring_case(name, scheme.name)) continue;
    if (hash.empty()) return fail(fmt::format("the stored password is only {{{}}}", scheme.name));
    if (!hash.starts_with(scheme.prefix)) return fail(fmt::format("not a {} hash", scheme.name));
    return Parsed{scheme.kind, std::string(hash)};
  }
  return unknown_scheme(name);
}

// What can be hashed at a bounded cost.
Result<Parsed> parse_usable(std::string_view stored) {
  Result<Parsed> parsed = parse(stored);
  if (!parsed || parsed->kind == Kind::plain) return parsed;
  if (auto good = check_password_cost(parsed->hash); !good) return tl::unexpected(good.error());
  return parsed;
}

Result<bool> verify_argon2(const Secret& password, const std::string& encoded, argon2_type type) {
  Bytes bytes = password.reveal();
  int code = argon2_verify(encoded.c_str(), bytes.data(), bytes.size(), type);
  if (code == ARGON2_OK) return true;
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  return fail(fmt::format("argon2: {}", argon2_error_message(code)));
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
    case Kind::plain:
      break;
  }
  return password.equals(stored.hash);
}

std::atomic<uint64_t> checks{0};

}  // namespace

Result<bool> verify_password(const Secret& password, std::string_view stored) {
  Result<Parsed> parsed = parse_usable(stored);
  if (!parsed) return tl::unexpected(parsed.error());
  Result<bool> matches = verify(password, *parsed);
  if (matches) checks.fetch_add(1, std::memory_order_relaxed);
  return matches;
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

std::string default_decoy() {
  return fmt::format("{{ARGON2ID}}$argon2id$v=19$m={},t={},p={}${}${}", kArgon2MemoryKib, kArgon2Passes, kArgon2Lanes,
                     "cG9zdGlnby9kZWNveS4uLg", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

StoredSecret stored_secret(std::string_view stored) {
  StoredSecret secret;
  auto parsed = parse(stored);
  if (parsed && parsed->kind == Kind::plain) secret.cleartext = Secret(parsed->hash);
  return secret;
}

}  // namespace postigo
