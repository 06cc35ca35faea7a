// What we say to a backend, one question after the other: CAPA behind a PROXY header, STLS, XCLIENT, CAPA if AUTH is
// needed, USER and PASS or AUTH. What its answers mean stands in back.cc.
#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/login/facts.h"
#include "parser/login/forward_fields.h"
#include "parser/pop3/back_dialogue.h"
#include "parser/sasl/choose.h"

namespace postigo::pop3 {
namespace {

constexpr Bytes kCommandEnd = "\r\n";
constexpr size_t kXclientMax = 1000;  // Dovecot 2.3 ends a session for a line of 1024 octets
constexpr std::string_view kTooMuch = "backend says more than it was asked";

// Whether USER and PASS carry the pair through any server: spaces at the ends are trimmed by some, a space or a tab in
// a name ends it for others, and a line has 255 octets (RFC 2449 4).
bool fits_user_pass(Bytes user, Bytes password) {
  constexpr size_t kArgumentMax = limits::kPop3LineMax - sizeof("USER \r\n") + 1;
  return user.find(' ') == Bytes::npos && !has_ctl(user) && !password.starts_with(' ') && !password.ends_with(' ') &&
         user.size() <= kArgumentMax && password.size() <= kArgumentMax;
}

}  // namespace

// All that we say goes out here, and only when nothing else is there to be taken for its answer (T78, A18).
Event Back::ask(State next, std::initializer_list<Bytes> parts, Out& out) {
  if (!last_) return unavailable(state_ == State::greeting && policy_.proxy_header ? kTakenForCommands : kTooMuch);
  state_ = next;
  out.put(parts);
  return Event::need_input;
}

Event Back::begin(Out& out) {
  return policy_.tls == BackPolicy::Tls::starttls ? ask(State::stls, {"STLS\r\n"}, out) : introduce(out);
}

void Back::tls_established(Out& out) {
  last_ = true;  // start_tls was raised with nothing behind it
  introduce(out);
}

// A greeting that was read in clear text proves nothing (T28), and POP3 greets only once: after STLS we do not believe
// it and simply try; what we lose on a backend that does not know XCLIENT is one round trip.
Event Back::introduce(Out& out) {
  if (policy_.until_ready) return ask(State::capa, {"CAPA\r\n"}, out);  // an answer proves more than a greeting
  bool try_it = greeted_xclient_ || policy_.tls == BackPolicy::Tls::starttls;
  if (!policy_.forward_client || !try_it) return say_login(out);
  std::string command = "XCLIENT";
  for (const Fact& fact : facts_to_tell(login_.facts)) {
    command.append(" ").append(fact.xclient_key).append("=").append(fact.value);
  }
  constexpr Bytes kForward = " FORWARD=";
  const size_t size = command.size() + kForward.size();
  const size_t room = size < kXclientMax ? kXclientMax - size : 0;
  std::string fields = encode_forward(login_.facts.forward, room);
  if (!fields.empty()) command.append(kForward).append(fields);
  return ask(State::xclient, {command, kCommandEnd}, out);
}

// USER and PASS know all servers. Where they might not carry it, AUTH may, if the backend says that it has it (T77).
Event Back::say_login(Out& out) {
  bool sasl_needed = !login_.authzid.empty() || !sasl::says_password(policy_, login_) ||
                     !fits_user_pass(login_.authcid, login_.password.reveal());
  if (!sasl_needed) return say_user(out);
  return waited_ ? choose(out) : ask(State::capa, {"CAPA\r\n"}, out);
}

Event Back::log_in(BackLogin login, Out& out) {
  policy_.until_ready = false;
  login_ = std::move(login);
  waited_ = true;
  Event event = check_login();
  if (event == Event::need_input) event = introduce(out);
  answered_ = event != Event::need_input;  // that it cannot be said is about the login
  return event;
}

Event Back::choose(Out& out) {
  if (policy_.until_ready) {
    if (!last_) return unavailable(kTooMuch);
    state_ = State::ready;
    return Event::ready;
  }
  if (!last_) return unavailable(kTooMuch);
  Result<const sasl::ClientMechanism*> chosen =
      sasl::choose(policy_, login_, [this](std::string_view mechanism) { return offers(mechanism); });
  if (!chosen) return unavailable(chosen.error().message);
  asked_for_ = *chosen != nullptr;
  if (asked_for_) return start_auth(**chosen, out);
  if (offers("PLAIN")) return start_auth(*sasl::find_client_mechanism("PLAIN"), out);
  bool fits = fits_user_pass(login_.authcid, login_.password.reveal());
  if (login_.authzid.empty() && !fits && offers("LOGIN")) return start_auth(*sasl::find_client_mechanism("LOGIN"), out);
  if (login_.authzid.empty()) return say_user(out);  // as the client said it
  return unavailable("the backend does not list SASL PLAIN, which a master login needs");
}

Event Back::say_user(Out& out) {
  talk_.end();
  return ask(State::user, {"USER ", login_.authcid, kCommandEnd}, out);
}

Event Back::say_password(Out& out) { return ask(State::pass, {"PASS ", login_.password.reveal(), kCommandEnd}, out); }

// RFC 5034 4: the initial response goes with the command only if the line stays within 255 octets. Where the connection
// had waited, the server's "+" comes first: a no without a code may be a good-bye then, and the password is not out.
Event Back::start_auth(const sasl::ClientMechanism& mechanism, Out& out) {
  constexpr Bytes kCommand = "AUTH ";
  const bool listed = sasl::lists_binding([this](std::string_view name) { return offers(name); });
  talk_.begin(mechanism, policy_, login_, listed);
  const size_t initial = talk_.initial_size();
  bool fits = kCommand.size() + mechanism.name.size() + 1 + initial + kCommandEnd.size() <= limits::kPop3LineMax;
  if (initial == 0 || !fits || waited_) return ask(State::auth, {kCommand, mechanism.name, kCommandEnd}, out);
  const Secret response = talk_.take_initial();
  return ask(State::auth_response, {kCommand, mechanism.name, " ", response.reveal(), kCommandEnd}, out);
}

}  // namespace postigo::pop3
