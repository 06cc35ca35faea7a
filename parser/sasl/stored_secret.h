// What somebody keeps of a user's password, for mechanisms in which the password itself never comes along.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "parser/base/secret.h"

namespace postigo {

// How often a password is hashed where nobody has said how often (RFC 5802 5.1, RFC 7677 4: at least so often): for
// keys that a directory makes, and for those that are shown of users who do not exist; different numbers would tell
// them apart (A21).
inline constexpr unsigned kScramIterations = 4096;

// RFC 5802 3: what a server needs, and from which nobody can log in elsewhere. Octets, not base64.
struct ScramKeys {
  unsigned iterations = 0;
  std::string salt;
  Secret stored_key, server_key;
};

// What a stranger sees of somebody's keys without having proven anything.
struct ScramShape {
  uint32_t iterations = kScramIterations, salt_size = 16;
  bool operator==(const ScramShape&) const = default;
};

// Nothing in it: there is none of use.
struct StoredSecret {
  Secret cleartext = {};
  std::optional<ScramKeys> sha1 = {}, sha256 = {};
  ScramShape decoy = {};  // what is shown of who has no keys: as others have them (A21)

  bool empty() const { return cleartext.empty() && !sha1 && !sha256; }
};

}  // namespace postigo
