// One reply line of POP3 (RFC 1939 3) and its response code (RFC 2449 8).
#pragma once

#include "parser/base/bytes.h"

namespace postigo::pop3 {

struct Reply {
  enum class Status {
    ok,        // +OK
    err,       // -ERR
    proceed,   // "+" or "+ ": a SASL challenge (RFC 5034 4)
    nonsense,  // not POP3
  };
  Status status = Status::nonsense;
  Bytes code;  // without brackets; empty if there is none
  Bytes text;  // what is left, possibly nothing (T33)
};

// `line` has no CRLF; the views point into it.
Reply parse_reply(Bytes line);

// RFC 2449 8: 1*rchar *("/" 1*rchar), of a length that we are willing to repeat.
bool is_response_code(Bytes code);

// The registered code (RFC 2449 8.1, RFC 3206) that `code`, in upper case, is or is a more precise form of
// ("SYS/TEMP/DISK"); of static lifetime, or empty.
Bytes registered_code(Bytes code);

}  // namespace postigo::pop3
