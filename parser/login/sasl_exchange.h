// SaslExchange: what all protocols share of SASL as a server (RFC 4422): base64 both ways, "*" to cancel, "=" for an
// initial response that is empty (RFC 4959 3, RFC 5034 4). The words around it are the protocol's.
//
// One exchange at a time; everything but a challenge ends it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/sasl/server.h"

namespace postigo {

class SaslExchange {
 public:
  enum class Outcome {
    challenge,  // send "+ " and challenge(), feed the client's next line to respond()
    done,       // credentials are complete
    cancelled,  // by the client
    not_base64,
    malformed,  // by the mechanism's syntax
  };

  // False if we do not know the mechanism.
  bool begin(Bytes mechanism);
  Outcome without_initial_response(Credentials& credentials) { return step(nullptr, credentials); }
  Outcome initial_response(Bytes base64, Credentials& credentials) {
    return decode(base64 == "=" ? Bytes() : base64, credentials);
  }
  Outcome respond(Bytes line, Credentials& credentials);
  // The client's line is longer than we read: nobody has such a password.
  void too_long(Credentials& credentials);
  void reset() { server_.reset(); }

  std::string_view challenge() const { return challenge_; }  // in base64; may be empty

 private:
  Outcome decode(Bytes base64, Credentials& credentials);
  Outcome step(const Bytes* response, Credentials& credentials);

  std::unique_ptr<sasl::Server> server_;
  std::string mechanism_;
  std::string challenge_;
};

}  // namespace postigo
