// The one gate that every name and password passes, whichever door it came through (LOGIN, USER/PASS, SASL).
//
// They are octets: which character set they are in is for whoever decides (T76). NUL, CR and LF are refused, because a
// backend's dialogue would end there (T7, T8, A2); so is what is empty or longer than limits.h allows.
#pragma once

#include "parser/base/bytes.h"
#include "parser/credentials.h"

namespace postigo::sasl {

bool acceptable_user(Bytes user);
bool acceptable_password(Bytes password);

// What the client said, or Credentials that are not `possible` if nobody can have such a name or password.
Credentials make_credentials(Bytes mechanism, Bytes authzid, Bytes user, Bytes password);

// The same for a password that was too long to be kept, and for what can be no proof.
Credentials impossible_credentials(Bytes mechanism, Bytes user);

// The same for a name with something else than a password behind it.
Credentials make_claim(Bytes mechanism, Bytes authzid, Bytes user, Proof proof);

// The same for a bearer token, which says itself whose it is: `user` may be empty.
Credentials make_bearer(Bytes mechanism, Bytes user, Bytes token);

// "=2C" is a comma, "=3D" an equals sign (RFC 5801 4, RFC 5802 5.1; T23). False: it is no such name.
bool decode_saslname(Bytes text, std::string& name);
std::string encode_saslname(Bytes name);

}  // namespace postigo::sasl
