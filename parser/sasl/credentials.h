// The one gate that every name and password passes, whichever door it came through (LOGIN, USER/PASS, SASL).
//
// They are octets: which character set they are in is for whoever decides (T76). NUL, CR and LF are refused, because a
// backend's dialogue would end there (T7, T8, A2); so is what is empty or longer than limits.h allows.
#pragma once

#include "parser/base/bytes.h"
#include "parser/dialogue.h"

namespace postigo::sasl {

bool acceptable_user(Bytes user);
bool acceptable_password(Bytes password);

// What the client said, or Credentials that are not `possible` if nobody can have such a name or password.
Credentials make_credentials(Bytes mechanism, Bytes authzid, Bytes user, Bytes password);

// The same for a password that was too long to be kept.
Credentials impossible_credentials(Bytes mechanism, Bytes user);

}  // namespace postigo::sasl
