// SCRAM's keys, stored and made: what Dovecot, PostgreSQL and LDAP (RFC 5803) keep instead of a password.
//
// Whoever reads them cannot log in with them anywhere; a password can be checked with them as with any other hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

enum class ScramHash { sha1, sha256 };

// "SCRAM-SHA-256" and "SCRAM-SHA-256-PLUS", in any case.
std::optional<ScramHash> scram_hash_of(std::string_view mechanism);

// RFC 5802 3. Blocks for as long as `iterations` of HMAC take: call it where passwords are checked. Thread-safe.
ScramKeys derive_scram_keys(ScramHash hash, const Secret& password, std::string_view salt, unsigned iterations);

// "4096,salt,stored key,server key" (Dovecot) or "4096:salt$stored key:server key" (RFC 5803, PostgreSQL), in base64.
// An Error if it is damaged, or too dear to check. Quick.
Result<ScramKeys> parse_scram_keys(ScramHash hash, std::string_view text);

std::string write_scram_keys(const ScramKeys& keys);  // as Dovecot does

}  // namespace postigo
