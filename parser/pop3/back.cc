// Logs in at a backend: greeting, STLS, XCLIENT, then USER/PASS or AUTH PLAIN. Whatever a backend says that we did not
// ask for makes it unavailable, not the user refused.
// Not here: which backend, how long to wait, whether to try another one.
#include "parser/pop3/back.h"

#include <string>
#include <utility>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "parser/pop3/reply.h"
#include "parser/pop3/xclient.h"
#include "parser/sasl/server.h"

namespace postigo::pop3 {
namespace {

constexpr Bytes kEnd = "\r\n";
constexpr size_t kTextMax = 400;  // of a backend's text that we repeat; RFC 2449 4 allows 512 for the whole line

// Whether USER and PASS carry the pair through any server: spaces at the ends are trimmed by some, a space in a name
// ends it for others, and a line has 255 octets (RFC 2449 4).
bool fits_user_pass(Bytes user, Bytes password) {
  constexpr size_t kArgumentMax = limits::kPop3LineMax - sizeof("USER \r\n") + 1;
  return user.find(' ') == Bytes::npos && !password.starts_with(' ') && !password.ends_with(' ') &&
         user.size() <= kArgumentMax && password.size() <= kArgumentMax;
}

class Back : public BackDialogue {
 public:
  Back(const BackPolicy& policy, BackLogin login) : policy_(policy), login_(std::move(login)) {}

  Step feed(Bytes in, Out& out) override;
  void tls_established(Out& out) override { introduce(out); }
  const BackendReply& reply() const override { return reply_; }
  const std::vector<std::string>& capabilities() const override { return capabilities_; }
  std::string_view state_name() const override;

 private:
  enum class State { greeting, stls, handshake, xclient, user, pass, auth, auth_response, over };

  Event on_line(Bytes line, bool last, Out& out);
  Event on_greeting(const Reply& reply, bool last, Out& out);
  Event on_stls(const Reply& reply, bool last);
  Event on_user(const Reply& reply, Out& out);
  Event on_auth(const Reply& reply, Out& out);
  Event on_verdict(const Reply& reply);
  Event check_login();
  void introduce(Out& out);
  void log_in(Out& out);
  void start_auth(Out& out);
  void send_message(Bytes before, Out& out);
  Event refused(const Reply& reply);
  Event unavailable(const Reply& reply, std::string_view what);
  Event unavailable(std::string_view why);

  BackPolicy policy_;
  BackLogin login_;
  State state_ = State::greeting;
  bool greeted_xclient_ = false;
  BackendReply reply_;
  std::vector<std::string> capabilities_;  // POP3 backends list theirs on CAPA only; the filter reads that
};

Step Back::feed(Bytes in, Out& out) {
  size_t at = 0;
  while (state_ != State::over && state_ != State::handshake) {
    Bytes rest = in.substr(at);
    size_t end = rest.find('\n');
    size_t size = end == Bytes::npos ? rest.size() : end;
    if (size >= limits::kBackendLineMax) return {at, unavailable("backend sent a line that is too long")};
    if (end == Bytes::npos) break;
    at += end + 1;
    Bytes line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    Event event = on_line(line, at == in.size(), out);
    if (event != Event::need_input) return {at, event};
  }
  return {at, Event::need_input};
}

Event Back::on_line(Bytes line, bool last, Out& out) {
  Reply reply = parse_reply(line);
  if (reply.status == Reply::Status::nonsense)
    return unavailable("backend does not speak POP3: " + printable(line, kTextMax));
  switch (state_) {
    case State::greeting:
      return on_greeting(reply, last, out);
    case State::stls:
      return on_stls(reply, last);
    case State::xclient:
      // A courtesy: a backend that does not know it, or does not trust us after all, still lets the user in.
      if (reply.status == Reply::Status::proceed) return unavailable(reply, "XCLIENT");
      log_in(out);
      break;
    case State::user:
      return on_user(reply, out);
    case State::auth:
      return on_auth(reply, out);
    case State::pass:
    case State::auth_response:
      return on_verdict(reply);
    case State::handshake:
    case State::over:
      break;
  }
  return Event::need_input;
}

Event Back::on_greeting(const Reply& reply, bool last, Out& out) {
  if (reply.status != Reply::Status::ok) return unavailable(reply, "connecting");
  Event event = check_login();
  if (event != Event::need_input) return event;
  greeted_xclient_ = reply.code == "XCLIENT";
  if (policy_.tls != BackPolicy::Tls::starttls) {
    introduce(out);
    return Event::need_input;
  }
  // Forged answers that wait in the buffer must not pass for the answer to STLS (A18, A19).
  if (!last) return unavailable("backend sent more than its greeting before TLS");
  state_ = State::stls;
  out.put("STLS\r\n");
  return Event::need_input;
}

// The last gate before the wire: nobody above may have let a line end or a NUL through, but if so, it stops here (A2).
Event Back::check_login() {
  Bytes password = login_.password.reveal();
  if (has_ctl(login_.authzid) || has_ctl(login_.authcid) || has_ctl(password) || login_.authcid.empty() ||
      password.empty()) {
    return unavailable("credentials that POP3 cannot carry");
  }
  if (policy_.forward_client && login_.facts.hops_left == 0) return unavailable("proxies go in a circle");  // T63
  return Event::need_input;
}

Event Back::on_stls(const Reply& reply, bool last) {
  if (reply.status != Reply::Status::ok) return unavailable(reply, "STLS");
  if (!last) return unavailable("backend sent clear text behind its answer to STLS");  // T28, A18
  state_ = State::handshake;
  return Event::start_tls;
}

// A greeting that was read in clear text proves nothing (T28), and POP3 greets only once: after STLS we do not believe
// it and simply try; what we lose on a backend that does not know XCLIENT is one round trip.
void Back::introduce(Out& out) {
  bool try_it = greeted_xclient_ || policy_.tls == BackPolicy::Tls::starttls;
  if (!policy_.forward_client || !try_it) return log_in(out);
  state_ = State::xclient;
  out.put({xclient_command(login_.facts), kEnd});
}

void Back::log_in(Out& out) {
  if (!login_.authzid.empty() || !fits_user_pass(login_.authcid, login_.password.reveal())) return start_auth(out);
  state_ = State::user;
  out.put({"USER ", login_.authcid, kEnd});
}

Event Back::on_user(const Reply& reply, Out& out) {
  if (reply.status == Reply::Status::err) return refused(reply);
  if (reply.status != Reply::Status::ok) return unavailable(reply, "USER");
  state_ = State::pass;
  out.put({"PASS ", login_.password.reveal(), kEnd});
  login_.password.clear();
  return Event::need_input;
}

// RFC 5034 4: the initial response goes with the command only if the line stays within 255 octets.
void Back::start_auth(Out& out) {
  constexpr Bytes kCommand = "AUTH PLAIN ";
  size_t octets = login_.authzid.size() + login_.authcid.size() + login_.password.size() + 2;
  if (kCommand.size() + (octets + 2) / 3 * 4 + kEnd.size() <= limits::kPop3LineMax) return send_message(kCommand, out);
  state_ = State::auth;
  out.put({"AUTH PLAIN", kEnd});
}

Event Back::on_auth(const Reply& reply, Out& out) {
  // No credentials were sent yet: a refusal is about the mechanism, not about the user.
  if (reply.status != Reply::Status::proceed) return unavailable(reply, "AUTH PLAIN");
  send_message("", out);
  return Event::need_input;
}

void Back::send_message(Bytes before, Out& out) {
  Secret message = sasl::plain_message(login_.authzid, login_.authcid, login_.password.reveal());
  std::string base64 = base64_encode(message.reveal());
  out.put({before, base64, kEnd});
  wipe(base64.data(), base64.size());
  login_.password.clear();
  state_ = State::auth_response;
}

Event Back::on_verdict(const Reply& reply) {
  if (reply.status == Reply::Status::err) return refused(reply);
  if (reply.status != Reply::Status::ok) return unavailable(reply, "login");
  reply_ = {std::string(reply.code), printable(reply.text, kTextMax)};
  state_ = State::over;
  return Event::logged_in;
}

// Only the backend knows whether its -ERR is about the user; without a code we must believe so.
Event Back::refused(const Reply& reply) {
  reply_ = {upper(reply.code), printable(reply.text, kTextMax)};
  login_.password.clear();
  state_ = State::over;
  // A referral names another host, which is for operators, not for clients (T42).
  bool temporary = reply_.code == "SYS/TEMP" || reply_.code.starts_with("REFERRAL/");
  return temporary ? Event::unavailable : Event::refused;
}

// A code is the backend's word to the client. Not one that came in clear text where TLS was to follow: anybody may have
// written that (T47).
Event Back::unavailable(const Reply& reply, std::string_view what) {
  bool may_be_forged = policy_.tls == BackPolicy::Tls::starttls && (state_ == State::greeting || state_ == State::stls);
  if (reply.status == Reply::Status::err && !reply.code.empty() && !may_be_forged) {
    unavailable("");
    reply_ = {upper(reply.code), printable(reply.text, kTextMax)};
    return Event::unavailable;
  }
  std::string why = "unexpected answer to ";
  why.append(what).append(": ").append(printable(reply.text, kTextMax));
  return unavailable(why);
}

Event Back::unavailable(std::string_view why) {
  login_.password.clear();
  state_ = State::over;
  reply_ = {"", std::string(why)};
  return Event::unavailable;
}

std::string_view Back::state_name() const {
  switch (state_) {
    case State::greeting:
      return "greeting";
    case State::stls:
      return "stls";
    case State::handshake:
      return "tls-handshake";
    case State::xclient:
      return "xclient";
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

}  // namespace

Refusal refusal_for(const BackendReply& reply) {
  if (reply.code == "AUTH") return {Refusal::Kind::bad_credentials, "", ""};
  if (reply.code == "SYS/TEMP") return {Refusal::Kind::unavailable, "", ""};
  return {Refusal::Kind::relayed, reply.code, reply.text};
}

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login) {
  return std::make_unique<Back>(policy, std::move(login));
}

}  // namespace postigo::pop3
