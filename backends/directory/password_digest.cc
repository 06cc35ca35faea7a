// One table of digests over BoringSSL's hash functions. Not here: SCRAM (scram_keys.cc), what is slow by design
// (password.cc).
#include "backends/directory/password_digest.h"

#include <openssl/digest.h>
#include <openssl/evp.h>
#include <openssl/md5.h>

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/password_cost.h"
#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {

struct PasswordDigest::Scheme {
  enum class Kind { plain, salted, pbkdf2, cram_md5 };
  std::string_view name;
  Kind kind;
  const EVP_MD* (*hash)();
};

namespace {

using Scheme = PasswordDigest::Scheme;
using Kind = Scheme::Kind;
using Octets = std::array<unsigned char, EVP_MAX_MD_SIZE>;

constexpr Scheme kSchemes[] = {
    {"SHA", Kind::plain, EVP_sha1},
    {"SHA1", Kind::plain, EVP_sha1},
    {"SHA256", Kind::plain, EVP_sha256},
    {"SHA384", Kind::plain, EVP_sha384},
    {"SHA512", Kind::plain, EVP_sha512},
    {"PLAIN-MD5", Kind::plain, EVP_md5},
    {"LDAP-MD5", Kind::plain, EVP_md5},
    {"SSHA", Kind::salted, EVP_sha1},
    {"SSHA256", Kind::salted, EVP_sha256},
    {"SSHA384", Kind::salted, EVP_sha384},
    {"SSHA512", Kind::salted, EVP_sha512},
    {"SMD5", Kind::salted, EVP_md5},
    {"PBKDF2", Kind::pbkdf2, EVP_sha1},
    {"PBKDF2-SHA1", Kind::pbkdf2, EVP_sha1},
    {"PBKDF2-SHA256", Kind::pbkdf2, EVP_sha256},
    {"PBKDF2-SHA512", Kind::pbkdf2, EVP_sha512},
    {"CRAM-MD5", Kind::cram_md5, EVP_md5},
    {"HMAC-MD5", Kind::cram_md5, EVP_md5},
};

constexpr size_t kCramSize = 32;  // two states of MD5
constexpr size_t kSaltMax = 1024;

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Secret> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Secret octets;
  octets.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    const char octet = static_cast<char>(high << 4 | low);
    octets.append(Bytes(&octet, 1));
  }
  return octets;
}

std::optional<Secret> from_base64(std::string_view text) {
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  auto octets = base64_decode(padded);
  wipe(padded.data(), padded.size());
  return octets;
}

// passlib's: "." for "+", and no padding.
std::optional<Secret> from_adapted_base64(std::string_view text) {
  std::string usual(text);
  for (char& c : usual) {
    if (c == '.') c = '+';
  }
  return from_base64(usual);
}

// What is of one size only may be written in either way, and its length tells in which.
Encoding guess(const Scheme& scheme, std::string_view text) {
  if (scheme.kind == Kind::cram_md5) return Encoding::hex;
  const bool hex = scheme.kind == Kind::plain && text.size() == 2 * EVP_MD_size(scheme.hash());
  return hex ? Encoding::hex : Encoding::base64;
}

struct Parts {
  std::string digest, salt;
  unsigned rounds = 0;
};

std::optional<unsigned> rounds_of(std::string_view digits) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return std::nullopt;
  return value;
}

std::optional<Parts> parse_pbkdf2(const Scheme& scheme, std::string_view text) {
  const bool dovecot = scheme.name == "PBKDF2" && text.starts_with("$1$");
  if (dovecot) text.remove_prefix(3);
  const size_t first = text.find('$'), second = text.find('$', first == text.npos ? first : first + 1);
  if (first == text.npos || second == text.npos) return std::nullopt;
  std::string_view salt = text.substr(0, first), rounds = text.substr(first + 1, second - first - 1);
  if (!dovecot) std::swap(salt, rounds);
  auto count = rounds_of(rounds);
  auto salt_octets = dovecot ? Secret(salt) : from_adapted_base64(salt);
  auto digest = dovecot ? from_hex(text.substr(second + 1)) : from_adapted_base64(text.substr(second + 1));
  if (!count || !salt_octets || !digest || digest->size() != EVP_MD_size(scheme.hash())) return std::nullopt;
  return Parts{std::string(digest->reveal()), std::string(salt_octets->reveal()), *count};
}

std::optional<Parts> parse_octets(const Scheme& scheme, Encoding encoding, std::string_view text) {
  auto octets = decode_stored(encoding == Encoding::usual ? guess(scheme, text) : encoding, text);
  if (!octets) return std::nullopt;
  const size_t size = scheme.kind == Kind::cram_md5 ? kCramSize : EVP_MD_size(scheme.hash());
  if (octets->size() < size || (scheme.kind != Kind::salted && octets->size() != size)) return std::nullopt;
  return Parts{std::string(octets->reveal().substr(0, size)), std::string(octets->reveal().substr(size)), 0};
}

std::optional<Parts> parse_text(const Scheme& scheme, Encoding encoding, std::string_view text) {
  if (scheme.kind != Kind::pbkdf2) return parse_octets(scheme, encoding, text);
  if (encoding == Encoding::usual) return parse_pbkdf2(scheme, text);
  auto decoded = decode_stored(encoding, text);
  return decoded ? parse_pbkdf2(scheme, decoded->reveal()) : std::nullopt;
}

Secret taken(Octets& octets, size_t size) {
  Secret secret(Bytes(reinterpret_cast<const char*>(octets.data()), size));
  wipe(octets.data(), octets.size());
  return secret;
}

Secret salted(const EVP_MD* hash, Bytes password, Bytes salt) {
  Octets octets;
  unsigned size = 0;
  bssl::ScopedEVP_MD_CTX context;
  EVP_DigestInit_ex(context.get(), hash, nullptr);
  EVP_DigestUpdate(context.get(), password.data(), password.size());
  EVP_DigestUpdate(context.get(), salt.data(), salt.size());
  EVP_DigestFinal_ex(context.get(), octets.data(), &size);
  return taken(octets, size);
}

Secret pbkdf2(const EVP_MD* hash, Bytes password, Bytes salt, unsigned rounds) {
  Octets octets;
  const size_t size = EVP_MD_size(hash);
  PKCS5_PBKDF2_HMAC(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                    rounds, hash, size, octets.data());
  return taken(octets, size);
}

// One block of MD5 over the key, padded with `pad`: its state, the least octet first.
void append_state(Secret& to, Bytes key, unsigned char pad) {
  std::array<unsigned char, MD5_CBLOCK> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= static_cast<unsigned char>(key[i]);
  MD5_CTX state;
  MD5_Init(&state);
  MD5_Update(&state, block.data(), block.size());
  for (uint32_t word : state.h) {
    for (int shift = 0; shift < 32; shift += 8) {
      const char octet = static_cast<char>(word >> shift & 0xff);
      to.append(Bytes(&octet, 1));
    }
  }
  wipe(block.data(), block.size());
  wipe(&state, sizeof state);
}

// The outer state, then the inner one (RFC 2104 4).
Secret cram_md5(Bytes password) {
  const Secret shortened = password.size() > MD5_CBLOCK ? salted(EVP_md5(), password, {}) : Secret(password);
  Secret states;
  states.reserve(kCramSize);
  append_state(states, shortened.reveal(), 0x5c);
  append_state(states, shortened.reveal(), 0x36);
  return states;
}

}  // namespace

std::optional<Secret> decode_stored(Encoding encoding, std::string_view text) {
  switch (encoding) {
    case Encoding::hex:
      return from_hex(text);
    case Encoding::base64:
      return from_base64(text);
    case Encoding::usual:
      break;
  }
  return Secret(text);
}

const Scheme* PasswordDigest::find(std::string_view name) {
  for (const Scheme& scheme : kSchemes) {
    if (equal_ignoring_case(name, scheme.name)) return &scheme;
  }
  return nullptr;
}

Result<PasswordDigest> PasswordDigest::parse(const Scheme& scheme, Encoding encoding, std::string_view text) {
  auto parts = parse_text(scheme, encoding, text);
  if (!parts || parts->salt.size() > kSaltMax) {
    return fail(fmt::format("the stored hash is damaged: it is no whole {} hash", scheme.name));
  }
  if (auto good = check_rounds(parts->rounds); !good) return tl::unexpected(good.error());
  PasswordDigest made;
  made.scheme_ = &scheme;
  made.digest_ = std::move(parts->digest);
  made.salt_ = std::move(parts->salt);
  made.rounds_ = parts->rounds;
  return made;
}

bool PasswordDigest::matches(const Secret& password) const {
  switch (scheme_->kind) {
    case Kind::plain:
    case Kind::salted:
      return salted(scheme_->hash(), password.reveal(), salt_).equals(digest_);
    case Kind::pbkdf2:
      return pbkdf2(scheme_->hash(), password.reveal(), salt_, rounds_).equals(digest_);
    case Kind::cram_md5:
      break;
  }
  return cram_md5(password.reveal()).equals(digest_);
}

}  // namespace postigo
