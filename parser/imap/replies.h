// The words of the front: what we offer before login and how we say no (traps of RFC 5530 and of user enumeration).
#pragma once

#include <string>

#include "parser/base/bytes.h"
#include "parser/front.h"
#include "parser/sasl/facts.h"

namespace postigo::imap {

// What is true before login on this connection: names separated by single spaces.
std::string capabilities_before_login(const FrontPolicy& policy, bool tls, const sasl::Facts& facts);

// LOGIN may be said: passwords are among what clients may log in with, and may travel, as the connection is encrypted
// or the operator does not mind.
inline bool login_allowed(const FrontPolicy& policy, bool tls) {
  return policy.takes_passwords() && (tls || policy.plaintext_login_allowed);
}

// What follows "tag NO ", without line end.
std::string refusal_text(const Refusal& refusal);

// Whether a client may be told this code of a backend that refused its login: registered (RFC 5530), about the user,
// and nothing that tells users from strangers (A21). `name` in upper case.
bool tells_user(Bytes name);

// What follows "* BYE ", without line end.
Bytes farewell_text(Farewell why);

}  // namespace postigo::imap
