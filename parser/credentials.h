// What a client says to log in.
#pragma once

#include <string>

#include "parser/base/secret.h"

namespace postigo {

// What stands behind the name in Credentials.
enum class Proof {
  password,     // that he says; a directory or a backend knows whether it is right
  proven,       // the mechanism has seen that he has the secret that was supplied
  rejected,     // or that he has not
  token,        // a bearer token, in `password`; `user` may be empty, as the token says whose it is
  certificate,  // that of the client's TLS has this name in it
  anonymous,    // nothing: he asks to be let in as nobody
};

// Who the client says he is. `mechanism` is "LOGIN", "PLAIN", ... or "USER" (POP3 USER/PASS).
// Names and passwords are octets of any character set (T76), but for NUL, CR and LF (T7, T8, A2).
struct Credentials {
  std::string mechanism;
  std::string user;
  std::string authzid;  // empty, or another identity than user that the client wants to act as (T24)
  Secret password;
  Proof proof = Proof::password;
  // False: nobody can have such a name or password (too long, empty, a line end in it). It is to be refused as a wrong
  // one is, without asking anybody; `user` is for the log, and there is no password.
  bool possible = true;
};

}  // namespace postigo
