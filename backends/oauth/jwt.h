// Tokens: a JSON Web Token (RFC 7519, 7515) taken apart, and what must be true of what it says.
//
// Nothing of a token is believed before its signature is; nothing of it goes into an error text. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/oauth/jwk.h"
#include "parser/base/bytes.h"

namespace postigo::oauth {

// What a token must say.
struct Terms {
  std::string issuer;
  std::vector<std::string> audiences;   // one of them; none: any
  std::vector<std::string> scopes;      // all of them
  std::vector<std::string> algorithms;  // that may sign
  std::string username;                 // the claim that names the user
  int64_t leeway_s = 60;
};

struct Opinion {
  enum class What {
    good,
    bad,          // not a token, not ours, not signed, too old, ...
    unknown_key,  // signed with a key that is not in the set: a newer set may have it
    no_scope,     // good, but not for this
  };
  What what = What::bad;
  std::string user;       // when good
  int64_t expires_s = 0;  // likewise
  std::string why;        // for our log
};

inline constexpr size_t kTokenMax = 16 * 1024;

// With its signature, by one of `keys`.
Opinion judge_token(Bytes token, const JwkSet& keys, const Terms& terms, int64_t now_s);
// What an introspection endpoint said of a token (RFC 7662 2.2): it has looked at the signature.
Opinion judge_introspection(std::string_view json, const Terms& terms, int64_t now_s);

}  // namespace postigo::oauth
