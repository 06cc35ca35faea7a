// Stored passwords: "{SCHEME}hash", as Dovecot and others write them.
//
//   {ARGON2ID} {ARGON2I}                          libargon2's encoded strings: $argon2id$v=19$m=...
//   {CRYPT} {SHA512-CRYPT} {SHA256-CRYPT} {MD5-CRYPT} {BLF-CRYPT} {BCRYPT} {YESCRYPT} {GOST-YESCRYPT} {SCRYPT}
//   {SUNMD5} {DES-CRYPT}                          what libcrypt writes
//   {PLAIN} {CLEAR} {CLEARTEXT}                   for tests and migrations
// Without a scheme a hash must start with "$". Scheme names are case-insensitive. Damaged hashes, and those that are
// too dear to check (password_cost.h), are of no use.
//
// All of these block for as long as a hash takes: call them on Pool::password. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

// True or false in time that does not depend on where they differ. An Error means that the stored string is of no use
// (unknown scheme, damaged hash): our misconfiguration, which is not "wrong password".
Result<bool> verify_password(const Secret& password, std::string_view stored);

// How often a password has been compared with a usable stored string, decoys included: one per attempt, whoever it is
// (A22). For metrics and tests.
uint64_t password_checks();

// Whether verify_password would know what to do with it, as far as can be told without hashing. Quick.
Result<void> check_stored_password(std::string_view stored);

// "{ARGON2ID}..." with a fresh salt and the parameters below.
Result<std::string> make_password(const Secret& password);

// OWASP's second choice for Argon2id (19 MiB, t=2, p=1): some 40 ms of one core on a small cloud machine. More would
// buy little against guessing and much queueing: a proxy checks every login of every device, each thread with its own
// block.
inline constexpr unsigned kArgon2MemoryKib = 19 * 1024;
inline constexpr unsigned kArgon2Passes = 2;
inline constexpr unsigned kArgon2Lanes = 1;

// What mechanisms that never say the password can do with it: the clear text of {PLAIN}. Nothing for a mere hash.
StoredSecret stored_secret(std::string_view stored);

// Costs what make_password's strings cost and matches nothing.
std::string default_decoy();

}  // namespace postigo
