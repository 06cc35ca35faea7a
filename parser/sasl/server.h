// SASL, server side (RFC 4422): one object per attempt, fed decoded responses, until it has Credentials or gives up.
//
// Transport independent: base64, "+ " and "*" belong to login/sasl_exchange. One mechanism is one file and one row
// (mechanisms.h). A mechanism never sees a password that it could avoid: it asks for what a directory keeps, and says
// in Credentials::proof what it has found.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/credentials.h"
#include "parser/sasl/facts.h"
#include "parser/sasl/stored_secret.h"

namespace postigo::sasl {

enum class Status {
  challenge,    // send `challenge`, feed the response
  need_secret,  // credentials say who: supply() what is kept of his password
  done,         // credentials are complete: clean, or not `possible`
  malformed,    // the response breaks the mechanism's syntax: BAD / -ERR, nobody is asked
};

class Server {
 public:
  virtual ~Server() = default;
  // `response` is decoded; the first call passes the initial response, or null if the client sent none.
  // On challenge, `challenge` is what to send (not yet base64; may be empty).
  virtual Status step(const Bytes* response, std::string& challenge, Credentials& credentials) = 0;
  // After need_secret, once. What is said and how does not depend on whether there is a secret (A21).
  virtual Status supply(const StoredSecret& /*secret*/, std::string& /*challenge*/, Credentials& /*credentials*/) {
    return Status::malformed;
  }
  // What a client is told, as one more challenge, before it is refused; it answers that with anything (RFC 7628 3.2.3).
  // Empty: it is refused at once.
  virtual std::string failure() const { return {}; }
};

// Where an attempt takes place. Outlives it.
struct Setting {
  const Facts& facts;
  Bytes hostname;
  bool binding_offered = false;  // a mechanism with channel binding is offered on this connection
  Bytes timestamp = {};          // of POP3's greeting, for APOP
};

// Null if we do not know the mechanism. `mechanism` in any case.
std::unique_ptr<Server> make_server(std::string_view mechanism, const Setting& setting);

}  // namespace postigo::sasl
