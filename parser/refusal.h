// How a login ends that does not succeed, towards the client and from the backend.
#pragma once

#include <string>

namespace postigo {

// Why a login did not succeed, towards the client. The table of RFC 5530 / RFC 3206 codes stands in each front.
struct Refusal {
  enum class Kind {
    bad_credentials,       // the one text for unknown user, wrong password and disabled account (A21)
    authorization_failed,  // authzid not permitted: NO [AUTHORIZATIONFAILED]
    unavailable,           // NO [UNAVAILABLE] / -ERR [SYS/TEMP]
    server_bug,            // our misconfiguration: NO [SERVERBUG] / -ERR
    too_many,              // a connection limit: NO [LIMIT] / -ERR [IN-USE]
    relayed,               // a code of the backend's that is registered, with our words (A21)
  };
  Kind kind = Kind::unavailable;
  std::string code;              // relayed only: without brackets, upper case
  std::string token_error = {};  // of a token: what the client is told of it (RFC 7628 3.2.2); empty: no more than "no"
};

// The backend's final answer to the login.
struct BackendReply {
  std::string code;  // response code without brackets ("AUTHENTICATIONFAILED", "SYS/TEMP", "IN-USE"), may be empty
  std::string text;  // printable, no CR or LF; fit for a log: repeats nothing of what we said to log in (login/echo.h)
  std::string token_error = {};  // of a token: what is wrong with it, for the client (RFC 7628 3.2.2); may be empty
};

}  // namespace postigo
