// What a backend says from its greeting to its answer to the login: which line means what. What we say next stands in
// back_steps.cc. Whatever a backend says that we did not ask for makes it unavailable, not the user refused.
// Not here: which backend, how long to wait, whether to try another one.
#include "parser/pop3/back.h"

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/login/echo.h"
#include "parser/pop3/back_dialogue.h"

namespace postigo::pop3 {
namespace {

constexpr size_t kTextMax = 400;  // of a backend's text that a log gets

// A line of CAPA: "SASL PLAIN LOGIN" (RFC 2449 6.3, RFC 5034 3).
constexpr Bytes kSasl = "SASL ";

}  // namespace

// --- the line in ----------------------------------------------------------------------------------------------------

Step Back::feed(Bytes in, Out& out) {
  size_t at = 0;
  const size_t words_end = in.find_last_not_of("\r\n") + 1;  // blank lines at the end are nothing
  while (state_ != State::over && state_ != State::handshake) {
    Bytes rest = in.substr(at);
    size_t end = rest.find('\n');
    size_t size = end == Bytes::npos ? rest.size() : end;
    if (size >= limits::kBackendLineMax) return {at, unavailable("backend sent a line that is too long")};
    if (end == Bytes::npos) break;
    at += end + 1;
    total_ += end + 1;
    if (total_ > limits::kBackendLoginMax) return {at, unavailable("backend says too much before login")};
    Bytes line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    last_ = at >= words_end;
    Event event = on_line(line, out);
    if (event != Event::need_input) return {at, event};
  }
  return {at, Event::need_input};
}

Event Back::on_line(Bytes line, Out& out) {
  if (line.empty()) return Event::need_input;
  if (state_ == State::capa_list) return on_capa_line(line, out);
  Reply reply = parse_reply(line);
  if (reply.status == Reply::Status::nonsense)
    return unavailable("backend does not speak POP3: " + readable(line, login_, kTextMax));
  if (may_be_goodbye(reply)) {
    if (state_ != State::xclient) return unavailable("the connection had ended before the login");
  } else {
    answered_ = answered_ || says_login();
  }
  switch (state_) {
    case State::greeting:
      return on_greeting(reply, out);
    case State::probe:
      return on_probe(reply);
    case State::stls:
      return on_stls(reply);
    case State::xclient:
      // A courtesy: a backend that does not know it, or does not trust us after all, still lets the user in.
      return reply.status == Reply::Status::proceed ? unavailable(reply, "XCLIENT") : say_login(out);
    case State::capa:
      return on_capa(reply, out);
    case State::user:
      return on_user(reply, out);
    case State::auth:
      return on_auth(reply, out);
    case State::pass:
    case State::auth_response:
      return on_verdict(reply, out);
    case State::capa_list:
    case State::ready:
    case State::handshake:
    case State::over:
      break;
  }
  return Event::need_input;
}

bool Back::says_login() const {
  return state_ == State::xclient || state_ == State::user || state_ == State::pass || state_ == State::auth ||
         state_ == State::auth_response;
}

// Answers have no tags: where a connection had waited, the good-bye of a server that goes may cross our first words,
// and is no answer to them. Such a good-bye says nothing about a user.
bool Back::may_be_goodbye(const Reply& reply) const {
  if (!waited_ || answered_ || !says_login() || reply.status != Reply::Status::err) return false;
  Bytes code = registered_code(upper(reply.code));
  return code.empty() || code.starts_with("SYS/");
}

Event Back::on_greeting(const Reply& reply, Out& out) {
  if (reply.status != Reply::Status::ok) return unavailable(reply, "connecting");
  Event event = policy_.until_ready ? Event::need_input : check_login();
  if (event != Event::need_input) return event;
  greeted_xclient_ = reply.code == "XCLIENT";
  return policy_.proxy_header ? ask(State::probe, {"CAPA\r\n"}, out) : begin(out);
}

// An -ERR to our PROXY header would be taken for the answer to USER, and a user told that he is wrong. A list is no
// answer to a header, and whoever expects one knows CAPA.
Event Back::on_probe(const Reply& reply) {
  if (reply.status != Reply::Status::ok) return unavailable(kTakenForCommands);
  probing_ = true;
  state_ = State::capa_list;
  return Event::need_input;
}

// The last gate before the wire: nobody above may have let a line end or a NUL through, but if so, it stops here (A2).
Event Back::check_login() {
  Bytes password = login_.password.reveal();
  bool empty = login_.authcid.empty() || (password.empty() && login_.key != DoorKey::certificate);
  if (!fits_in_line(login_.authzid) || !fits_in_line(login_.authcid) || !fits_in_line(password) || empty) {
    return unavailable("credentials that POP3 cannot carry");
  }
  return Event::need_input;
}

Event Back::on_stls(const Reply& reply) {
  if (reply.status != Reply::Status::ok) return unavailable(reply, "STLS");
  if (!last_) return unavailable("backend sent clear text behind its answer to STLS");  // T28, A18
  state_ = State::handshake;
  return Event::start_tls;
}

Event Back::on_capa(const Reply& reply, Out& out) {
  if (reply.status == Reply::Status::proceed) return unavailable(reply, "CAPA");
  if (reply.status == Reply::Status::err) return choose(out);
  state_ = State::capa_list;
  return Event::need_input;
}

// A list shows whether we are still in step: no capability looks like the status of an answer.
Event Back::on_capa_line(Bytes line, Out& out) {
  if (line == ".") return std::exchange(probing_, false) ? begin(out) : choose(out);
  Reply reply = parse_reply(line);
  bool status = reply.status == Reply::Status::ok || reply.status == Reply::Status::err;
  if (status) return unavailable(reply, "CAPA");
  // A list in clear text proves nothing (T28).
  if (!probing_ && starts_with_ignoring_case(line, kSasl)) offers_ = upper(line.substr(kSasl.size() - 1)) + " ";
  return Event::need_input;
}

Event Back::on_user(const Reply& reply, Out& out) {
  if (reply.status == Reply::Status::err) return refused(reply, out);
  if (reply.status != Reply::Status::ok) return unavailable(reply, "USER");
  return say_password(out);
}

Event Back::on_auth(const Reply& reply, Out& out) {
  if (reply.status == Reply::Status::proceed) return answer_challenge(reply, out);
  // No credentials were sent yet: a refusal is about the mechanism, not about the user (T77).
  if (reply.status == Reply::Status::err && !asked_for_ && login_.authzid.empty()) return say_user(out);
  return unavailable(reply, "AUTH");
}

Event Back::on_verdict(const Reply& reply, Out& out) {
  if (reply.status == Reply::Status::err) return refused(reply, out);
  const bool challenged = reply.status == Reply::Status::proceed && talk_.active() && !talk_.complete();
  if (challenged) return answer_challenge(reply, out);
  if (reply.status != Reply::Status::ok) return unavailable(reply, "login");
  if (auto proven = talk_.active() ? talk_.accepted() : true; !proven) return unavailable(proven.error().message);
  return finish(Event::logged_in);
}

Event Back::answer_challenge(const Reply& reply, Out& out) {
  Result<Secret> answer = talk_.answer(reply.text);
  if (!answer) return unavailable(answer.error().message);
  return ask(State::auth_response, {answer->reveal(), "\r\n"}, out);
}

// --- the end --------------------------------------------------------------------------------------------------------

// What a code means survives also if a part of it is a part of the password.
std::string Back::readable_code(Bytes code) const {
  std::string name = upper(code);
  Bytes known = registered_code(name);
  bool keep = !known.empty() && repeats_credentials(name, login_);
  return keep ? std::string(known) : readable(name, login_, kTextMax);
}

// Only the backend knows whether its -ERR is about the user; without a code we must believe so, once there is no other
// way in.
Event Back::refused(const Reply& reply, Out& out) {
  reply_ = {readable_code(reply.code), readable(reply.text, login_, kTextMax),
            talk_.active() ? talk_.reason() : std::string()};
  if (state_ == State::auth_response && reply_.code.empty() && !asked_for_ && login_.authzid.empty()) {
    refusal_ = reply_;
    return say_user(out);
  }
  // A referral names another host, which is for operators, not for clients (T42).
  bool temporary = registered_code(reply_.code) == "SYS/TEMP" || reply_.code.starts_with("REFERRAL/");
  return finish(temporary ? Event::unavailable : Event::refused);
}

Event Back::lost() {
  if (state_ == State::over || !refusal_) return Event::unavailable;
  reply_ = *refusal_;
  return finish(Event::refused);
}

// A code is the backend's word to the client. Not one that came in clear text where TLS was to follow: anybody may have
// written that (T47).
Event Back::unavailable(const Reply& reply, std::string_view what) {
  bool may_be_forged = policy_.tls == BackPolicy::Tls::starttls && (state_ == State::greeting || state_ == State::stls);
  if (reply.status == Reply::Status::err && !reply.code.empty() && !may_be_forged) {
    reply_ = {readable_code(reply.code), readable(reply.text, login_, kTextMax)};
    return finish(Event::unavailable);
  }
  std::string why = "unexpected answer to ";
  why.append(what).append(": ").append(readable(reply.text, login_, kTextMax));
  return unavailable(why);
}

// The dialogue cannot go on. If the backend has said no to the user before, that was its answer.
Event Back::unavailable(std::string_view why) {
  if (refusal_) return lost();
  reply_ = {"", std::string(why)};
  return finish(Event::unavailable);
}

Event Back::finish(Event event) {
  talk_.end();
  login_.password.clear();
  login_.said.clear();
  state_ = State::over;
  return event;
}

std::string_view Back::state_name() const {
  switch (state_) {
    case State::greeting:
      return "greeting";
    case State::probe:
      return "probe";
    case State::stls:
      return "stls";
    case State::handshake:
      return "tls-handshake";
    case State::xclient:
      return "xclient";
    case State::capa:
    case State::capa_list:
      return "capa";
    case State::ready:
      return "ready";
    case State::user:
      return "user";
    case State::pass:
      return "pass";
    case State::auth:
      return "auth";
    case State::auth_response:
      return "auth-response";
    case State::over:
      break;
  }
  return "over";
}

// What servers say without a code differs from server to server, and for each name that they know or do not (A21).
Refusal refusal_for(const BackendReply& reply) {
  Bytes code = registered_code(reply.code);
  if (code == "SYS/TEMP") return {Refusal::Kind::unavailable, ""};
  if (code.empty() || code == "AUTH") return {Refusal::Kind::bad_credentials, ""};
  return {Refusal::Kind::relayed, std::string(code)};
}

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login) {
  return std::make_unique<Back>(policy, std::move(login));
}

}  // namespace postigo::pop3
