// The AUTHORIZATION state of POP3 as a loop: what is cut off the input, what ends the dialogue or suspends it, and how
// it answers. What each command does stands in front_commands.cc. Not here: whether the credentials are right, and
// anything after login.
#include "parser/pop3/front.h"

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/pop3/front_dialogue.h"
#include "parser/pop3/front_texts.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"

namespace postigo::pop3 {
namespace {

// Whether what has arrived of a line shows that it carries a name or a password.
bool carries_credentials(Bytes line) {
  return starts_with_ignoring_case(line, "USER ") || starts_with_ignoring_case(line, "PASS ") ||
         starts_with_ignoring_case(line, "AUTH ") || starts_with_ignoring_case(line, "APOP ");
}

// Lines end with CRLF; a lone LF is accepted (T13).
Bytes without_cr(Bytes line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// --- the line in, the answer out ---

void Front::open(Out& out) {
  // A timestamp offers APOP (RFC 1939 7, T26). Dovecot's [XCLIENT] asks for the hops of a proxy.
  if (sasl::offered(policy_, tls_, facts_, "APOP") == sasl::Offered::yes) {
    timestamp_ = sasl::message_id(facts_, policy_.hostname);
  }
  out.put({policy_.peer_is_proxy ? "+OK [XCLIENT] " : "+OK ", policy_.hostname, policy_.hostname.empty() ? "" : " ",
           "ready.", timestamp_.empty() ? "" : " ", timestamp_, "\r\n"});
}

Step Front::feed(Bytes in, Out& out) {
  size_t at = 0;
  while (state_ == State::command || state_ == State::sasl || state_ == State::sasl_refused) {
    Bytes rest = in.substr(at);
    Event event = Event::need_input;
    size_t end = rest.find('\n');
    if (discarding_) {
      at += discard(rest);
      if (discarded_ > limits::kCommandMax) event = hang_up("-ERR Line far too long.\r\n", out);
      if (discarding_ && event == Event::need_input) break;
      if (!discarding_ && discarding_login_) event = discarded_login();
    } else if ((end == Bytes::npos ? rest.size() : end) >= line_limit(rest)) {
      event = too_long(rest, out);
    } else if (end == Bytes::npos) {
      break;
    } else {
      at += end + 1;
      Bytes line = without_cr(rest.substr(0, end));
      event = state_ == State::sasl           ? on_sasl(sasl_.respond(line, credentials_), out)
              : state_ == State::sasl_refused ? after_refusal(out)
                                              : on_command(split(line), out);
    }
    if (event != Event::need_input) return {at, event};
  }
  return {at, state_ == State::over || state_ == State::starting_tls ? Event::hang_up : Event::need_input};
}

// RFC 2449 4 counts the CRLF; a line with its end removed must stay below the limit. SASL may be longer (RFC 5034 4),
// and so may passwords, and what proxies say.
size_t Front::line_limit(Bytes rest) const {
  if (state_ == State::command && policy_.peer_is_proxy && starts_with_ignoring_case(rest, "XCLIENT ")) {
    return limits::kXclientMax;
  }
  return state_ == State::sasl || state_ == State::sasl_refused || carries_credentials(rest) ? limits::kSaslLineMax
                                                                                             : limits::kPop3LineMax;
}

size_t Front::discard(Bytes rest) {
  size_t end = rest.find('\n');
  size_t size = end == Bytes::npos ? rest.size() : end + 1;
  discarded_ += size;
  discarding_ = end == Bytes::npos;
  return size;
}

Event Front::too_long(Bytes line, Out& out) {
  discarding_ = true;
  discarded_ = 0;
  if (state_ == State::sasl_refused) return after_refusal(out);
  discarding_login_ = login_too_long(line);
  if (discarding_login_) return Event::need_input;  // answered when the line is over
  forget();
  return bad("-ERR Line too long.\r\n", out);
}

// Too long for a password is a wrong password, and not an error of syntax. True if credentials_ say so.
bool Front::login_too_long(Bytes line) {
  if (state_ == State::sasl) {
    sasl_.too_long(credentials_);
    return true;
  }
  if (!may_log_in()) return false;
  if (starts_with_ignoring_case(line, "PASS ") && !user_.empty()) {
    credentials_ = sasl::impossible_credentials("USER", user_);
    return true;
  }
  if (!starts_with_ignoring_case(line, "AUTH ")) return false;
  Bytes mechanism = split(line.substr(5)).verb;
  bool offered = sasl::offered(policy_, tls_, facts_, mechanism) == sasl::Offered::yes;
  if (!offered || !sasl_.begin(mechanism, setting())) return false;
  sasl_.too_long(credentials_);
  return true;
}

Event Front::discarded_login() {
  discarding_login_ = false;
  state_ = State::authenticating;
  return Event::authenticate;
}

Event Front::say(Bytes reply, Out& out) {
  out.put(reply);
  return Event::need_input;
}

Event Front::bad(Bytes reply, Out& out) {
  attempts_.bad_command();
  if (attempts_.too_many_bad_commands()) return hang_up("-ERR Too many bad commands.\r\n", out);
  return say(reply, out);
}

Event Front::hang_up(Bytes reply, Out& out) {
  forget();
  state_ = State::over;
  out.put(reply);
  return Event::hang_up;
}

// Back to where a client is nobody; not one octet of the attempt before may reach the next one (A16).
void Front::forget() {
  user_.clear();
  sasl_.reset();
  credentials_ = Credentials();
  state_ = State::command;
}

// --- the end of the login ---

void Front::accept(const std::vector<std::string>&, Out& out) {
  forget();
  state_ = State::over;
  out.put("+OK Logged in.\r\n");
}

Event Front::refuse(const Refusal& refusal, Out& out) {
  attempts_.refused(refusal.kind);
  refusal_ = refusal_text(refusal);
  bool in_two_steps = refusal.kind == Refusal::Kind::bad_credentials && sasl_.refused(refusal.token_error);
  if (!in_two_steps) return after_refusal(out);
  on_sasl(SaslExchange::Outcome::challenge, out);
  state_ = State::sasl_refused;
  return Event::need_input;
}

Event Front::after_refusal(Out& out) {
  forget();
  out.put(refusal_);
  if (!attempts_.too_many_failures()) return Event::need_input;
  state_ = State::over;
  return Event::hang_up;
}

Event Front::supply(const StoredSecret& secret, Out& out) { return on_sasl(sasl_.supply(secret, credentials_), out); }

void Front::farewell(Farewell why, Out& out) { hang_up(farewell_text(why), out); }

std::string_view Front::state_name() const {
  switch (state_) {
    case State::command:
      return user_.empty() ? "authorization" : "user-given";
    case State::sasl:
    case State::sasl_refused:
      return "sasl-response";
    case State::authenticating:
      return "authenticating";
    case State::starting_tls:
      return "stls";
    case State::over:
      break;
  }
  return "over";
}

std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) {
  return std::make_unique<Front>(policy, tls, facts);
}

}  // namespace postigo::pop3
