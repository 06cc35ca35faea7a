// From the lines of a dialogue to the steps of a mechanism. Not here: the mechanisms (sasl/server.cc), who may use
// which (FrontPolicy), and what a line is (the fronts).
#include "parser/login/sasl_exchange.h"

#include <optional>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/sasl/credentials.h"

namespace postigo {

bool SaslExchange::begin(Bytes mechanism) {
  server_ = sasl::make_server(mechanism);
  mechanism_ = upper(mechanism);
  return server_ != nullptr;
}

SaslExchange::Outcome SaslExchange::respond(Bytes line, Credentials& credentials) {
  if (line != "*") return decode(line, credentials);
  reset();
  return Outcome::cancelled;
}

void SaslExchange::too_long(Credentials& credentials) {
  credentials = sasl::impossible_credentials(mechanism_, {});
  reset();
}

SaslExchange::Outcome SaslExchange::decode(Bytes base64, Credentials& credentials) {
  std::optional<Secret> response = base64_decode(base64);
  if (!response) {
    reset();
    return Outcome::not_base64;
  }
  Bytes revealed = response->reveal();
  return step(&revealed, credentials);
}

SaslExchange::Outcome SaslExchange::step(const Bytes* response, Credentials& credentials) {
  std::string challenge;
  sasl::Status status = server_->step(response, challenge, credentials);
  if (status == sasl::Status::challenge) {
    challenge_ = base64_encode(challenge);
    return Outcome::challenge;
  }
  reset();
  return status == sasl::Status::done ? Outcome::done : Outcome::malformed;
}

}  // namespace postigo
