// SaslExchange: what all protocols share of SASL as a server (RFC 4422): base64 both ways, "*" to cancel, "=" for an
// initial response that is empty (RFC 4959 3, RFC 5034 4). The words around it are the protocol's.
//
// One exchange at a time; all but a challenge and need_secret ends it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/sasl/server.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

class SaslExchange {
 public:
  enum class Outcome {
    challenge,    // send "+ " and challenge(), feed the client's next line to respond()
    need_secret,  // credentials say who: supply() what is kept of him
    done,         // credentials are complete
    cancelled,    // by the client
    not_base64,
    malformed,  // by the mechanism's syntax
  };

  // False if we do not know the mechanism.
  bool begin(Bytes mechanism, const sasl::Setting& setting);
  Outcome without_initial_response(Credentials& credentials) { return step(nullptr, credentials); }
  Outcome initial_response(Bytes base64, Credentials& credentials) {
    return decode(base64 == "=" ? Bytes() : base64, credentials);
  }
  // Of a command that says all at once, and not in base64 (APOP).
  Outcome plain_response(Bytes text, Credentials& credentials) { return step(&text, credentials); }
  Outcome respond(Bytes line, Credentials& credentials);
  Outcome supply(const StoredSecret& secret, Credentials& credentials);
  // The client's line is longer than we read: nobody has such a password.
  void too_long(Credentials& credentials);
  void reset();

  std::string_view challenge() const { return challenge_; }  // in base64; may be empty
  bool supplied() const { return supplied_; }                // in this exchange, or the one that has just ended
  // It is done, and refused. True: challenge() tells the client so, and it answers with anything before it is told in
  // the protocol's own words (RFC 7628 3.2.3). `words`: what to tell, or empty.
  bool refused(Bytes words);

 private:
  Outcome decode(Bytes base64, Credentials& credentials);
  Outcome step(const Bytes* response, Credentials& credentials);
  Outcome after(sasl::Status status, const std::string& challenge);

  std::unique_ptr<sasl::Server> server_;
  std::string mechanism_;
  std::string challenge_;
  std::string failure_;  // of the exchange that is done
  bool supplied_ = false;
};

}  // namespace postigo
