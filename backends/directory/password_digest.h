// Stored passwords that are the digest of a hash function, as LDAP servers, Dovecot and postfixadmin have them.
//
//   {SHA} {SHA1} {SHA256} {SHA384} {SHA512}                base64 or hex of the digest
//   {PLAIN-MD5} {LDAP-MD5}                                 the same; the former is written in hex
//   {SSHA} {SSHA256} {SSHA384} {SSHA512} {SMD5}            of password and salt, with the salt behind it
//   {PBKDF2}                                               Dovecot's $1$salt$rounds$hex
//   {PBKDF2} {PBKDF2-SHA1} -SHA256 -SHA512                 LDAP's rounds$salt$digest
//   {CRAM-MD5} {HMAC-MD5}                                  Dovecot's: the state of HMAC-MD5 behind its key
// ".HEX", ".B64" and ".BASE64" behind a scheme's name say how it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "parser/base/result.h"
#include "parser/base/secret.h"

namespace postigo {

enum class Encoding { usual, hex, base64 };

// What a text of that encoding says; nothing if it is damaged. Base64's padding may be missing.
std::optional<Secret> decode_stored(Encoding encoding, std::string_view text);

class PasswordDigest {
 public:
  struct Scheme;
  // Null: no such name, in any case, is one of these.
  static const Scheme* find(std::string_view name);

  // An Error if it is damaged or too dear to check (password_cost.h). Quick.
  static Result<PasswordDigest> parse(const Scheme& scheme, Encoding encoding, std::string_view text);

  bool matches(const Secret& password) const;  // blocks; in constant time
  bool is_quick() const { return rounds_ == 0; }

 private:
  const Scheme* scheme_ = nullptr;
  std::string digest_, salt_;
  unsigned rounds_ = 0;
};

}  // namespace postigo
