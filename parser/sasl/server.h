// SASL, server side (RFC 4422): one object per attempt, fed decoded responses, until it has Credentials or gives up.
//
// Transport independent: base64, "+ " and "*" belong to login/sasl_exchange. Later mechanisms (SCRAM, OAUTHBEARER, ...)
// add a row to the table in server.cc; those whose answer needs a directory grow this interface then.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/dialogue.h"

namespace postigo::sasl {

enum class Status {
  challenge,  // send `challenge`, feed the response
  done,       // credentials are complete: made by make_credentials(), hence clean or not `possible`
  malformed,  // the response breaks the mechanism's syntax: BAD / -ERR, nobody was asked
};

class Server {
 public:
  virtual ~Server() = default;
  // `response` is decoded; the first call passes the initial response, or null if the client sent none.
  // On challenge, `challenge` is what to send (not yet base64; may be empty).
  virtual Status step(const Bytes* response, std::string& challenge, Credentials& credentials) = 0;
};

// Null if we do not know the mechanism. `mechanism` in any case.
std::unique_ptr<Server> make_server(std::string_view mechanism);
bool knows(std::string_view mechanism);

// Client side, for backends: the initial response of PLAIN (RFC 4616), not yet base64.
Secret plain_message(Bytes authzid, Bytes authcid, Bytes password);

}  // namespace postigo::sasl
