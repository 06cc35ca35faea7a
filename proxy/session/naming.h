// Under which name a session goes: limits, holds and moves know each user by one spelling, whoever said it.
#pragma once

#include <string>

#include "backends/directory.h"
#include "backends/router.h"

namespace postigo {

enum class Spelling {
  kept,     // of a directory: the backend hears the name as it stands there, unless a `backend_user` does
  dropped,  // of a token's issuer, who knows no mailboxes
};

// Makes identity.user what [names] makes of it; `otherwise`, the name that was asked for, if it is empty. False: no
// login has such a name. REQUIRES: `otherwise` is normalised.
bool be_called(Identity& identity, const std::string& otherwise, Spelling spelling, const Router& router);

}  // namespace postigo
