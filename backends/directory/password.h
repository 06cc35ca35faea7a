// Stored passwords: "{SCHEME}hash", as Dovecot and others write them.
//
//   {ARGON2ID} {ARGON2I}                          libargon2's encoded strings: $argon2id$v=19$m=...
//   {CRYPT} {SHA512-CRYPT} {SHA256-CRYPT} {MD5-CRYPT} {BLF-CRYPT} {BCRYPT} {YESCRYPT} {GOST-YESCRYPT} {SCRYPT}
//   {SUNMD5} {DES-CRYPT}                          what libcrypt writes
//   {SCRAM-SHA-1} {SCRAM-SHA-256}                 keys for these mechanisms, with which a password can be checked, too
//   {SSHA512} {PBKDF2} {PLAIN-MD5} ...            digests (password_digest.h)
//   {PLAIN} {CLEAR} {CLEARTEXT}                   for mechanisms that need it, tests and migrations
// Without a scheme a hash must start with "$", or be RFC 5803's SCRAM-SHA-256$... Scheme names are case-insensitive,
// and may end with ".HEX" or ".B64" if what follows is so encoded. Damaged hashes, and those that are too dear to check
// (password_cost.h), are of no use.
//
// All of these block for as long as a hash takes: call them on Pool::password. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
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

// The same for digests that cost next to nothing, which is enough for random passwords (app_password.h): for any
// thread, and not counted below. False for all others.
bool verify_quickly(const Secret& password, std::string_view stored);
bool is_quick(std::string_view stored);

// Whether verify_password would know what to do with it, as far as can be told without hashing. Quick.
Result<void> check_stored_password(std::string_view stored);

// In the form in which directories with `saslprep` keep it (RFC 4013); nothing if it is not UTF-8, or holds what no
// password may.
std::optional<Secret> prepared_password(const Secret& password);

// "{ARGON2ID}..." with a fresh salt and the parameters below.
Result<std::string> make_password(const Secret& password);

// OWASP's second choice for Argon2id (19 MiB, t=2, p=1): some 40 ms of one core on a small cloud machine. More would
// buy little against guessing and much queueing: a proxy checks every login of every device, each thread with its own
// block.
inline constexpr unsigned kArgon2MemoryKib = 19 * 1024;
inline constexpr unsigned kArgon2Passes = 2;
inline constexpr unsigned kArgon2Lanes = 1;

// "{SCRAM-SHA-256}...": who reads it cannot log in with it, and clients may prove that they know the password without
// saying it. Quicker to guess than Argon2id is.
Result<std::string> make_scram_password(const Secret& password);

// What mechanisms that never say the password can do with it: SCRAM's keys of {SCRAM-...}, and of {PLAIN} the clear
// text and, if `mechanism` is a SCRAM, its keys. Nothing for a mere hash. `user`: whose salt it is to be.
StoredSecret stored_secret(std::string_view stored, std::string_view mechanism, std::string_view user);

// Whether that takes long: then it belongs on Pool::password.
bool secret_costs(std::string_view stored, std::string_view mechanism);

// Costs what make_password's strings cost and matches nothing.
std::string default_decoy();

}  // namespace postigo
