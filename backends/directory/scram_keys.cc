// From passwords to SCRAM's keys, and from and to their text. Not here: the exchange (parser/sasl), threads (entry.cc).
#include "backends/directory/scram_keys.h"

#include <openssl/digest.h>

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/password_cost.h"
#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/kept_keys.h"

namespace postigo {
namespace {

constexpr size_t kScramSaltMax = 1024;

const EVP_MD* digest_of(ScramHash hash) { return hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256(); }

// The text before the next of `ends`; the rest begins behind it. Nothing if there is none.
std::optional<std::string_view> cut(std::string_view& text, std::string_view ends) {
  const size_t end = text.find_first_of(ends);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

std::optional<unsigned> iterations_of(std::string_view digits) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ScramHash> scram_hash_of(std::string_view mechanism) {
  constexpr std::string_view kPlus = "-PLUS";
  if (mechanism.size() > kPlus.size() && equal_ignoring_case(mechanism.substr(mechanism.size() - kPlus.size()), kPlus))
    mechanism.remove_suffix(kPlus.size());
  if (equal_ignoring_case(mechanism, "SCRAM-SHA-1")) return ScramHash::sha1;
  if (equal_ignoring_case(mechanism, "SCRAM-SHA-256")) return ScramHash::sha256;
  return std::nullopt;
}

ScramKeys derive_scram_keys(ScramHash by, const Secret& password, std::string_view salt, unsigned iterations) {
  const EVP_MD* digest = digest_of(by);
  sasl::ClientKeys keys = sasl::derive_client_keys(digest, password.reveal(), salt, iterations);
  return {iterations, std::string(salt), sasl::digest(digest, keys.client_key.reveal()), std::move(keys.server_key)};
}

Result<ScramKeys> parse_scram_keys(ScramHash by, std::string_view text) {
  const auto damaged = [] { return fail("the stored hash is damaged: it is no whole SCRAM hash"); };
  const bool ldap = text.find('$') != std::string_view::npos;
  auto count = cut(text, ldap ? ":" : ","), salt = cut(text, ldap ? "$" : ","), stored = cut(text, ldap ? ":" : ",");
  if (!count || !salt || !stored) return damaged();
  auto iterations = iterations_of(*count);
  auto salt_octets = base64_decode(*salt), stored_key = base64_decode(*stored), server_key = base64_decode(text);
  if (!iterations || !salt_octets || !stored_key || !server_key) return damaged();
  const size_t size = EVP_MD_size(digest_of(by));
  if (stored_key->size() != size || server_key->size() != size) return damaged();
  if (salt_octets->empty() || salt_octets->size() > kScramSaltMax) return damaged();
  if (auto good = check_rounds(*iterations); !good) return tl::unexpected(good.error());
  return ScramKeys{*iterations, std::string(salt_octets->reveal()), std::move(*stored_key), std::move(*server_key)};
}

std::string write_scram_keys(const ScramKeys& keys) {
  return fmt::format("{},{},{},{}", keys.iterations, base64_encode(keys.salt), base64_encode(keys.stored_key.reveal()),
                     base64_encode(keys.server_key.reveal()));
}

}  // namespace postigo
