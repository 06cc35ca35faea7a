// What each command does in the not-authenticated state (RFC 9051 6.1 and 6.2, RFC 2971), and SASL (RFC 4422, RFC
// 4959).
#include <algorithm>
#include <array>

#include "parser/base/ascii.h"
#include "parser/imap/client_id.h"
#include "parser/imap/front_dialogue.h"
#include "parser/imap/verbs.h"
#include "parser/login/facts.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/offer.h"

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
  untagged("CAPABILITY " + capabilities_before_login(policy_, tls_, facts_), out);
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

// Without an argument it is no ID (RFC 2971 3.1), but a client that sends it wants to know who we are, and is told
// nothing.
Event Front::on_id(Lexer args, Out& out) {
  bool bare = Lexer(args.rest()).at_end();
  std::string pairs = "NIL";
  std::optional<unsigned> hops;
  auto told = policy_.peer_speaks && !told_ ? nothing_told() : nullptr;
  bool list = bare || parse_client_id(args.rest(), pairs, hops, told.get());
  if (!list) return bad("ID takes a list of strings, or NIL.", out);
  if (told) told_ = std::move(told);
  if (policy_.peer_is_proxy && hops) hops_left_ = std::min(*hops, hops_left_.value_or(*hops));
  client_id_ = pairs.empty() ? "NIL" : std::move(pairs);
  untagged(bare ? "ID NIL" : "ID (\"name\" \"Postigo\")", out);
  return tagged("OK", "ID completed.", out);
}

// What follows in the buffer is for TLS to judge (A1): from here on no octet is a command.
Event Front::on_starttls(Lexer args, Out& out) {
  if (!args.at_end()) return bad("STARTTLS takes no arguments.", out);
  if (tls_) return bad("TLS is already active.", out);
  if (!policy_.starttls_offered) return bad("STARTTLS is not available.", out);
  tagged("OK", "Begin TLS negotiation now.", out);
  state_ = State::starting_tls;
  return Event::start_tls;
}

Event Front::on_login(Lexer args, Out& out) {
  if (!policy_.takes_passwords()) return tagged("NO", "[CANNOT] Passwords are not taken here, use AUTHENTICATE.", out);
  if (!login_allowed(policy_, tls_)) return privacy_required(out);
  Secret user;
  Secret password;
  bool complete = args.take(' ') && args.astring(user) && args.take(' ') && args.astring(password) && args.at_end();
  if (!complete) return bad("LOGIN takes a user name and a password.", out);
  return authenticate(sasl::make_credentials("LOGIN", {}, user.reveal(), password.reveal()));
}

Event Front::authenticate(Credentials credentials) {
  credentials_ = std::move(credentials);
  state_ = State::authenticating;
  return Event::authenticate;
}

Event Front::on_authenticate(Lexer args, Out& out) {
  bool any = login_allowed(policy_, tls_) || !sasl::offers(policy_, tls_, facts_).empty();
  if (!any) return privacy_required(out);
  Bytes mechanism;
  Bytes initial;
  bool named = args.take(' ') && args.atom(mechanism);
  bool has_initial = named && args.take(' ') && args.atom(initial);
  if (!named || !args.at_end()) return bad("AUTHENTICATE takes a mechanism.", out);
  sasl::Offered offered =
      equal_ignoring_case(mechanism, "APOP") ? sasl::Offered::no : sasl::offered(policy_, tls_, facts_, mechanism);
  if (offered == sasl::Offered::behind_tls) return privacy_required(out);
  const sasl::Setting setting{facts_, policy_.hostname, sasl::offers_binding(policy_, tls_, facts_)};
  if (offered == sasl::Offered::no || !sasl_.begin(mechanism, setting)) {
    return tagged("NO", "[CANNOT] Unsupported mechanism.", out);
  }
  return on_sasl(
      has_initial ? sasl_.initial_response(initial, credentials_) : sasl_.without_initial_response(credentials_), out);
}

Event Front::on_sasl(SaslExchange::Outcome outcome, Out& out) {
  using Outcome = SaslExchange::Outcome;
  switch (outcome) {
    case Outcome::challenge:
      say({"+ ", sasl_.challenge(), "\r\n"}, out);  // "+ " with its blank, also when empty (T21)
      state_ = State::sasl;
      return Event::need_input;
    case Outcome::need_secret:
      state_ = State::authenticating;
      return Event::secret;
    case Outcome::done:
      state_ = State::authenticating;
      return Event::authenticate;
    case Outcome::cancelled:
      return broken_off(tagged("BAD", "Authentication cancelled.", out));
    case Outcome::not_base64:
      return broken_off(bad("Invalid base64.", out));
    case Outcome::malformed:
      break;
  }
  return broken_off(bad("Invalid SASL response.", out));
}

// Whoever has looked a secret up for it is told that it is over.
Event Front::broken_off(Event event) const { return sasl_.supplied() ? Event::abandoned : event; }

}  // namespace postigo::imap
