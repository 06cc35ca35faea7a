// From the lines of a dialogue to the steps of a mechanism. Not here: the mechanisms (sasl/mechanisms.h), who may use
// which (FrontPolicy), and what a line is (the fronts).
#include "parser/login/sasl_exchange.h"

#include <optional>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/sasl/credentials.h"

namespace postigo {

bool SaslExchange::begin(Bytes mechanism, const sasl::Setting& setting) {
  reset();
  supplied_ = false;
  server_ = sasl::make_server(mechanism, setting);
  mechanism_ = upper(mechanism);
  return server_ != nullptr;
}

void SaslExchange::reset() {
  server_.reset();
  failure_.clear();
}

SaslExchange::Outcome SaslExchange::respond(Bytes line, Credentials& credentials) {
  if (line != "*") return decode(line, credentials);
  reset();
  return Outcome::cancelled;
}

void SaslExchange::too_long(Credentials& credentials) {
  credentials = sasl::impossible_credentials(mechanism_, supplied_ ? credentials.user : std::string());
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
  return after(status, challenge);
}

SaslExchange::Outcome SaslExchange::supply(const StoredSecret& secret, Credentials& credentials) {
  supplied_ = true;
  std::string challenge;
  sasl::Status status = server_->supply(secret, challenge, credentials);
  return after(status, challenge);
}

SaslExchange::Outcome SaslExchange::after(sasl::Status status, const std::string& challenge) {
  if (status == sasl::Status::need_secret) return Outcome::need_secret;
  if (status == sasl::Status::challenge) {
    challenge_ = base64_encode(challenge);
    return Outcome::challenge;
  }
  std::string failure = status == sasl::Status::done ? server_->failure() : std::string();
  reset();
  failure_ = std::move(failure);
  return status == sasl::Status::done ? Outcome::done : Outcome::malformed;
}

bool SaslExchange::refused(Bytes words) {
  if (failure_.empty()) return false;
  challenge_ = base64_encode(words.empty() ? Bytes(failure_) : words);
  reset();
  return true;
}

}  // namespace postigo
