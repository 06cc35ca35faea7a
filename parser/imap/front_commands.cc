// What each command does in the not-authenticated state (RFC 9051 6.1 and 6.2, RFC 2971), and SASL (RFC 4422, RFC
// 4959).
#include <algorithm>
#include <array>
#include <optional>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/imap/client_id.h"
#include "parser/imap/front_dialogue.h"
#include "parser/imap/verbs.h"

namespace postigo::imap {

Event Front::dispatch(const CommandHead& head, Out& out) {
  struct Row {
    Bytes verb;
    Event (Front::*handler)(Lexer, Out&);
  };
  static constexpr std::array kCommands = {
      Row{"LOGIN", &Front::on_login},
      Row{"AUTHENTICATE", &Front::on_authenticate},
      Row{"CAPABILITY", &Front::on_capability},
      Row{"ID", &Front::on_id},
      Row{"STARTTLS", &Front::on_starttls},
      Row{"LOGOUT", &Front::on_logout},
      Row{"NOOP", &Front::on_noop},
  };
  for (const Row& row : kCommands) {
    if (equal_ignoring_case(head.verb, row.verb)) return (this->*row.handler)(Lexer(head.rest), out);
  }
  // What would be right after login is not the client's error: it may have pipelined it behind a login that failed
  // (T19).
  std::string verb = upper(head.verb);
  if (verb_index(verb) != kVerbOther || verb == "UID") return tagged("BAD", "Log in first.", out);
  return bad("Unknown command.", out);
}

Event Front::on_capability(Lexer args, Out& out) {
  if (!args.at_end()) return bad("CAPABILITY takes no arguments.", out);
  asked_capability_ = true;
  untagged("CAPABILITY " + capabilities_before_login(policy_, tls_), out);
  return tagged("OK", "CAPABILITY completed.", out);
}

Event Front::on_noop(Lexer args, Out& out) {
  if (!args.at_end()) return bad("NOOP takes no arguments.", out);
  return tagged("OK", "NOOP completed.", out);
}

Event Front::on_logout(Lexer args, Out& out) {
  if (!args.at_end()) return bad("LOGOUT takes no arguments.", out);
  untagged("BYE Logging out.", out);
  tagged("OK", "LOGOUT completed.", out);
  state_ = State::over;
  said_quit_ = true;
  return Event::hang_up;
}

Event Front::on_id(Lexer args, Out& out) {
  std::string pairs;
  if (!parse_client_id(args.rest(), pairs)) return bad("ID takes a list of strings, or NIL.", out);
  client_id_ = std::move(pairs);
  untagged("ID (\"name\" \"Postigo\")", out);
  return tagged("OK", "ID completed.", out);
}

Event Front::on_starttls(Lexer args, Out& out) {
  if (!args.at_end()) return bad("STARTTLS takes no arguments.", out);
  if (tls_) return bad("TLS is already active.", out);
  if (!policy_.starttls_offered) return bad("STARTTLS is not available.", out);
  // Whatever was sent along in clear must not be read as if it had come through TLS (A1).
  if (glued_) return bye("Nothing may follow STARTTLS before TLS.", out);
  tagged("OK", "Begin TLS negotiation now.", out);
  state_ = State::starting_tls;
  return Event::start_tls;
}

Event Front::on_login(Lexer args, Out& out) {
  if (!login_allowed(policy_, tls_)) return privacy_required(out);
  Secret user;
  Secret password;
  bool complete = args.take(' ') && args.astring(user) && args.take(' ') && args.astring(password) && args.at_end();
  if (!complete) return bad("LOGIN takes a user name and a password.", out);
  // Nobody has such a name or password (T6, T7, T8): the same answer as for a wrong one.
  if (!sasl::acceptable_user(user.reveal()) || !sasl::acceptable_password(password.reveal())) {
    return login_failed({Refusal::Kind::bad_credentials, "", ""}, out);
  }
  credentials_ = {"LOGIN", std::string(user.reveal()), "", std::move(password)};
  state_ = State::authenticating;
  return Event::authenticate;
}

Event Front::on_authenticate(Lexer args, Out& out) {
  if (!login_allowed(policy_, tls_)) return privacy_required(out);
  Bytes mechanism;
  Bytes initial;
  bool named = args.take(' ') && args.atom(mechanism);
  bool has_initial = named && args.take(' ') && args.atom(initial);
  if (!named || !args.at_end()) return bad("AUTHENTICATE takes a mechanism.", out);
  sasl_ = offered(mechanism) ? sasl::make_server(mechanism) : nullptr;
  if (!sasl_) return tagged("NO", "[CANNOT] Unsupported mechanism.", out);
  if (!has_initial) return sasl_step(nullptr, out);
  return sasl_response(initial == "=" ? Bytes() : initial, out);  // RFC 4959 3
}

bool Front::offered(Bytes mechanism) const {
  return std::any_of(policy_.mechanisms.begin(), policy_.mechanisms.end(),
                     [&](const std::string& name) { return equal_ignoring_case(name, mechanism); });
}

// --- SASL -----------------------------------------------------------------------------------------------------------

Event Front::sasl_response(Bytes base64, Out& out) {
  std::optional<Secret> response = base64_decode(base64);
  if (!response) {
    sasl_.reset();
    return bad("Invalid base64.", out);
  }
  Bytes revealed = response->reveal();
  return sasl_step(&revealed, out);
}

Event Front::sasl_step(const Bytes* response, Out& out) {
  std::string challenge;
  switch (sasl_->step(response, challenge, credentials_)) {
    case sasl::Status::challenge:
      say({"+ ", base64_encode(challenge), "\r\n"}, out);  // "+ " with its blank, also when empty (T21)
      state_ = State::sasl;
      return Event::need_input;
    case sasl::Status::done:
      sasl_.reset();
      state_ = State::authenticating;
      return Event::authenticate;
    case sasl::Status::malformed:
      break;
  }
  sasl_.reset();
  return bad("Invalid SASL response.", out);
}

}  // namespace postigo::imap
