// The AUTHORIZATION state of POP3 as its server: greeting, CAPA, STLS, and four ways to say who one is.
// Not here: whether the credentials are right, and anything after login. A QUIT here is ours alone: no backend has
// heard of this client yet (T50).
#include "parser/pop3/front.h"

#include <string>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "parser/pop3/capa.h"
#include "parser/pop3/front_texts.h"
#include "parser/pop3/reply.h"
#include "parser/sasl/server.h"

namespace postigo::pop3 {
namespace {

constexpr Bytes kEnd = "\r\n";

// [SYS/PERM], not [AUTH]: RFC 3206 4 has clients ask for another password on [AUTH], and the password is not at fault.
constexpr Bytes kNoClearText = "-ERR [SYS/PERM] Cleartext login is not allowed, start TLS first.\r\n";

struct Command {
  Bytes verb;
  Bytes args;
  bool last = false;  // nothing follows it in the buffer
};

Command split(Bytes line) {
  size_t space = line.find(' ');
  if (space == Bytes::npos) return {line, {}, false};
  return {line.substr(0, space), line.substr(space + 1), false};
}

// Lines end with CRLF; a lone LF is accepted (T13).
Bytes without_cr(Bytes line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

class Front : public FrontDialogue {
 public:
  Front(const FrontPolicy& policy, bool tls) : policy_(policy), tls_(tls) {}

  void open(Out& out) override;
  Step feed(Bytes in, Out& out) override;
  void tls_established() override;
  Credentials& credentials() override { return credentials_; }
  void accept(const std::vector<std::string>& backend, Out& out) override;
  Event refuse(const Refusal& refusal, Out& out) override;
  void farewell(Farewell why, Out& out) override;
  std::string_view client_id() const override { return {}; }
  std::string_view state_name() const override;
  unsigned commands() const override { return commands_; }
  bool said_quit() const override { return said_quit_; }

 private:
  enum class State { command, sasl, authenticating, starting_tls, over };
  using Handler = Event (Front::*)(const Command&, Out&);
  struct Row {
    std::string_view verb;
    Handler run;
    bool takes_args;
  };
  static const Row kCommands[];

  size_t line_limit(Bytes rest) const;
  size_t discard(Bytes rest);
  Event too_long(Out& out);
  Event on_command(Command command, Out& out);
  Event on_response(Bytes line, Out& out);

  Event capa(const Command&, Out& out);
  Event user(const Command& command, Out& out);
  Event pass(const Command& command, Out& out);
  Event auth(const Command& command, Out& out);
  Event stls(const Command& command, Out& out);
  Event noop(const Command&, Out& out);
  Event quit(const Command&, Out& out);

  Event list_mechanisms(Out& out);
  Event decode_and_step(Bytes base64, Out& out);
  Event step(const Bytes* response, Out& out);
  Event bad(Bytes reply, Out& out);
  Event hang_up(Bytes reply, Out& out);
  Event say(Bytes reply, Out& out);
  void forget();

  // PLAIN, LOGIN and USER all put the password on the wire.
  bool may_log_in() const { return tls_ || policy_.plaintext_login_allowed; }
  bool offers(Bytes mechanism) const;
  void put_capability(Bytes tag, Out& out) const;

  const FrontPolicy& policy_;
  bool tls_;
  State state_ = State::command;
  std::string user_;  // said with USER; acceptable names are not empty
  std::unique_ptr<sasl::Server> sasl_;
  Credentials credentials_;
  bool discarding_ = false;  // the rest of a line that was too long
  size_t discarded_ = 0;
  unsigned commands_ = 0;
  bool said_quit_ = false;
  int bad_commands_ = 0;
  int auth_failures_ = 0;
};

// NOOP belongs to the TRANSACTION state (RFC 1939 5), but clients and monitors use it to see whether we live, and it
// costs nothing to say yes.
const Front::Row Front::kCommands[] = {
    {"CAPA", &Front::capa, false}, {"USER", &Front::user, true},  {"PASS", &Front::pass, true},
    {"AUTH", &Front::auth, true},  {"STLS", &Front::stls, false}, {"NOOP", &Front::noop, false},
    {"QUIT", &Front::quit, false},
};

// --- the line in, the answer out ---

void Front::open(Out& out) {
  // No <timestamp@host>: that would offer APOP (RFC 1939 7, T26).
  out.put({"+OK ", policy_.hostname, policy_.hostname.empty() ? "" : " ", "ready.\r\n"});
}

Step Front::feed(Bytes in, Out& out) {
  size_t at = 0;
  while (state_ == State::command || state_ == State::sasl) {
    Bytes rest = in.substr(at);
    Event event = Event::need_input;
    size_t end = rest.find('\n');
    if (discarding_) {
      at += discard(rest);
      if (discarded_ > limits::kCommandMax) event = hang_up("-ERR Line far too long.\r\n", out);
      if (discarding_ && event == Event::need_input) break;
    } else if ((end == Bytes::npos ? rest.size() : end) >= line_limit(rest)) {
      event = too_long(out);
    } else if (end == Bytes::npos) {
      break;
    } else {
      at += end + 1;
      Bytes line = without_cr(rest.substr(0, end));
      if (state_ == State::sasl) {
        event = on_response(line, out);
      } else {
        Command command = split(line);
        command.last = at == in.size();
        event = on_command(command, out);
      }
    }
    if (event != Event::need_input) return {at, event};
  }
  return {at, state_ == State::over ? Event::hang_up : Event::need_input};
}

// RFC 2449 4 counts the CRLF; a line with its end removed must stay below the limit. SASL may be longer (RFC 5034 4).
size_t Front::line_limit(Bytes rest) const {
  bool sasl = state_ == State::sasl || starts_with_ignoring_case(rest, "AUTH ");
  return sasl ? limits::kSaslLineMax : limits::kPop3LineMax;
}

size_t Front::discard(Bytes rest) {
  size_t end = rest.find('\n');
  size_t size = end == Bytes::npos ? rest.size() : end + 1;
  discarded_ += size;
  discarding_ = end == Bytes::npos;
  return size;
}

Event Front::too_long(Out& out) {
  forget();
  discarding_ = true;
  discarded_ = 0;
  return bad("-ERR Line too long.\r\n", out);
}

Event Front::on_command(Command command, Out& out) {
  if (++commands_ > limits::kCommandsBeforeLoginMax) return hang_up("-ERR Too many commands without login.\r\n", out);
  for (const Row& row : kCommands) {
    if (!equal_ignoring_case(command.verb, row.verb)) continue;
    if (!row.takes_args && !command.args.empty()) return bad("-ERR This command takes no argument.\r\n", out);
    return (this->*row.run)(command, out);
  }
  return bad("-ERR Unknown command.\r\n", out);  // never repeats the input: it may be another protocol's (A20)
}

Event Front::say(Bytes reply, Out& out) {
  out.put(reply);
  return Event::need_input;
}

Event Front::bad(Bytes reply, Out& out) {
  if (++bad_commands_ >= limits::kBadCommandsMax) return hang_up("-ERR Too many bad commands.\r\n", out);
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

// --- commands ---

Event Front::capa(const Command&, Out& out) {
  out.put("+OK Capability list follows\r\n");
  for (std::string_view tag : kPromised) {
    if (tag != "USER" || may_log_in()) put_capability(tag, out);
  }
  if (may_log_in() && !policy_.mechanisms.empty()) {
    std::string sasl = "SASL";
    for (const std::string& mechanism : policy_.mechanisms) sasl.append(" ").append(mechanism);
    put_capability(sasl, out);
  }
  if (policy_.starttls_offered && !tls_) put_capability("STLS", out);
  return say(".\r\n", out);
}

void Front::put_capability(Bytes capability, Out& out) const {
  if (!hidden(*policy_.capabilities, tag_of(capability))) out.put({capability, kEnd});
}

Event Front::noop(const Command&, Out& out) { return say("+OK\r\n", out); }

Event Front::quit(const Command&, Out& out) {
  said_quit_ = true;
  return hang_up("+OK Bye.\r\n", out);
}

Event Front::user(const Command& command, Out& out) {
  forget();
  if (!may_log_in()) return say(kNoClearText, out);
  if (!sasl::acceptable_user(command.args)) return bad("-ERR Invalid user name.\r\n", out);
  user_ = command.args;
  return say("+OK\r\n", out);  // the same for every name (RFC 1939 7 allows it, A21 wants it)
}

// The password is the rest of the line with all its spaces (T53).
Event Front::pass(const Command& command, Out& out) {
  if (!may_log_in()) return say(kNoClearText, out);
  if (user_.empty()) return bad("-ERR USER comes first.\r\n", out);
  std::string name = std::move(user_);
  forget();
  if (!sasl::acceptable_password(command.args)) return bad("-ERR Invalid password.\r\n", out);
  credentials_.mechanism = "USER";
  credentials_.user = std::move(name);
  credentials_.password = Secret(command.args);
  state_ = State::authenticating;
  return Event::authenticate;
}

Event Front::stls(const Command& command, Out& out) {
  if (tls_) return bad("-ERR TLS is already active.\r\n", out);
  if (!policy_.starttls_offered) return bad("-ERR TLS is not available.\r\n", out);
  // Whatever came along with STLS was sent in clear text, by whomever (T27, T55, A1).
  if (!command.last) return hang_up("-ERR Nothing may follow STLS.\r\n", out);
  forget();
  state_ = State::starting_tls;
  out.put("+OK Begin TLS negotiation.\r\n");
  return Event::start_tls;
}

void Front::tls_established() {
  forget();
  tls_ = true;
  discarding_ = false;
}

// --- AUTH (RFC 5034) ---

bool Front::offers(Bytes mechanism) const {
  for (const std::string& name : policy_.mechanisms) {
    if (equal_ignoring_case(name, mechanism)) return true;
  }
  return false;
}

Event Front::auth(const Command& command, Out& out) {
  forget();
  if (command.args.empty()) return list_mechanisms(out);
  Command parts = split(command.args);
  if (!offers(parts.verb)) return bad("-ERR Unsupported authentication mechanism.\r\n", out);
  if (!may_log_in()) return say(kNoClearText, out);
  sasl_ = sasl::make_server(parts.verb);
  if (sasl_ == nullptr) return bad("-ERR Unsupported authentication mechanism.\r\n", out);
  if (parts.args.empty()) return step(nullptr, out);
  return decode_and_step(parts.args == "=" ? Bytes() : parts.args, out);  // "=": sent, but empty
}

// Older than CAPA and in no RFC that is still alive, but Outlook asks this way.
Event Front::list_mechanisms(Out& out) {
  out.put("+OK\r\n");
  if (may_log_in()) {
    for (const std::string& mechanism : policy_.mechanisms) out.put({mechanism, kEnd});
  }
  return say(".\r\n", out);
}

Event Front::on_response(Bytes line, Out& out) {
  if (line == "*") {
    forget();
    return say("-ERR Authentication cancelled.\r\n", out);
  }
  return decode_and_step(line, out);
}

Event Front::decode_and_step(Bytes base64, Out& out) {
  std::optional<Secret> response = base64_decode(base64);
  if (!response) {
    forget();
    return bad("-ERR Invalid base64.\r\n", out);
  }
  Bytes bytes = response->reveal();
  return step(&bytes, out);
}

Event Front::step(const Bytes* response, Out& out) {
  std::string challenge;
  switch (sasl_->step(response, challenge, credentials_)) {
    case sasl::Status::challenge:
      state_ = State::sasl;
      out.put({"+ ", base64_encode(challenge), kEnd});
      return Event::need_input;
    case sasl::Status::done:
      sasl_.reset();
      state_ = State::authenticating;
      return Event::authenticate;
    case sasl::Status::malformed:
      break;
  }
  forget();
  return bad("-ERR Invalid authentication response.\r\n", out);
}

// --- the end of the login ---

void Front::accept(const std::vector<std::string>&, Out& out) {
  forget();
  state_ = State::over;
  out.put("+OK Logged in.\r\n");
}

Event Front::refuse(const Refusal& refusal, Out& out) {
  forget();
  if (refusal.kind == Refusal::Kind::relayed && !has_ctl(refusal.text)) {
    bool code = is_response_code(refusal.code);
    // RFC 2449 4: a reply line has at most 512 octets.
    out.put({"-ERR ", code ? "[" : "", code ? Bytes(refusal.code) : "", code ? "] " : "",
             Bytes(refusal.text).substr(0, 400), kEnd});
  } else {
    out.put(refusal_text(refusal.kind));
  }
  if (++auth_failures_ < limits::kAuthFailuresMax) return Event::need_input;
  state_ = State::over;
  return Event::hang_up;
}

void Front::farewell(Farewell why, Out& out) { hang_up(farewell_text(why), out); }

std::string_view Front::state_name() const {
  switch (state_) {
    case State::command:
      return user_.empty() ? "authorization" : "user-given";
    case State::sasl:
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

}  // namespace

std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls) {
  return std::make_unique<Front>(policy, tls);
}

}  // namespace postigo::pop3
