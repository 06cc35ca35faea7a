// The not-authenticated state: which command gets which answer, and when the dialogue is suspended or over. How
// commands are cut out of the stream is framing/'s business, their words are lexer's, the texts are replies', and
// whether a password is right is decided far away, between authenticate and accept() or refuse().
#include "parser/imap/front.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/framing/literal_reader.h"
#include "parser/imap/capability.h"
#include "parser/imap/client_id.h"
#include "parser/imap/lexer.h"
#include "parser/imap/replies.h"
#include "parser/imap/verbs.h"
#include "parser/sasl/server.h"

namespace postigo::imap {
namespace {

// All that we say to one client before login. Tags of 256 octets, each answered, would be more than one Out holds.
constexpr size_t kRepliesMax = 32 * 1024;

// A browser, or something that a browser was talked into sending (A20): one look is enough.
bool is_http(Bytes line) {
  return line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0") || line.ends_with(" HTTP/2.0");
}

void forget(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

class Front final : public FrontDialogue {
 public:
  Front(const FrontPolicy& policy, bool tls) : policy_(policy), tls_(tls) {}

  void open(Out& out) override {
    out.put({"* OK [CAPABILITY ", capabilities_before_login(policy_, tls_), "] ", policy_.hostname, " ready.\r\n"});
  }

  Step feed(Bytes in, Out& out) override;
  void tls_established() override;
  Credentials& credentials() override { return credentials_; }
  void accept(const std::vector<std::string>& backend, Out& out) override;
  Event refuse(const Refusal& refusal, Out& out) override;
  void farewell(Farewell why, Out& out) override {
    out.put({"* BYE ", farewell_text(why), "\r\n"});
    state_ = State::over;
  }
  std::string_view client_id() const override { return client_id_; }
  std::string_view state_name() const override;
  unsigned commands() const override { return commands_; }

 private:
  enum class State { command, sasl, authenticating, starting_tls, over };

  // What became of the front of the input. `more`: look at the rest at once.
  struct Progress {
    size_t consumed = 0;
    Event event = Event::need_input;
    bool more = true;
  };

  Progress next_command(Bytes in, Out& out);
  Progress next_sasl_line(Bytes in, Out& out);
  Event literal_refused(Bytes line, const LiteralReader::Framed& framed, Out& out);
  bool literal_welcome(Bytes line, const LiteralReader::Framed& framed) const;
  Event command(Bytes line, bool poisoned, Out& out);
  Event unparsable(Bytes line, Out& out);
  Event dispatch(const CommandHead& head, Out& out);
  Event settle(Event event, Out& out);

  Event on_capability(Lexer args, Out& out);
  Event on_noop(Lexer args, Out& out);
  Event on_logout(Lexer args, Out& out);
  Event on_id(Lexer args, Out& out);
  Event on_starttls(Lexer args, Out& out);
  Event on_login(Lexer args, Out& out);
  Event on_authenticate(Lexer args, Out& out);
  Event sasl_step(const Bytes* response, Out& out);
  Event sasl_response(Bytes base64, Out& out);

  Event privacy_required(Out& out) { return tagged("NO", "[PRIVACYREQUIRED] Use TLS first.", out); }
  Event bad(Bytes text, Out& out);
  Event tagged(Bytes status, Bytes text, Out& out);
  Event untagged(Bytes text, Out& out);
  Event login_failed(const Refusal& refusal, Out& out);
  Event bye(Bytes text, Out& out);
  void say(std::initializer_list<Bytes> parts, Out& out);
  bool offered(Bytes mechanism) const;

  const FrontPolicy& policy_;
  bool tls_;
  State state_ = State::command;
  LiteralReader messages_{limits::kCommandMax};
  LineReader lines_{limits::kSaslLineMax};
  std::unique_ptr<sasl::Server> sasl_;
  std::string tag_;  // of the command that is being answered
  Credentials credentials_;
  std::string client_id_;
  bool asked_capability_ = false;  // by command: such clients may ignore response codes (T36)
  bool glued_ = false;             // something follows the current command in the buffer
  unsigned commands_ = 0;
  int bad_commands_ = 0;
  int auth_failures_ = 0;
  size_t said_ = 0;
};

// --- the loop -------------------------------------------------------------------------------------------------------

Step Front::feed(Bytes in, Out& out) {
  Step step;
  Progress progress;
  while (progress.more) {
    if (state_ == State::authenticating) return step;
    if (state_ == State::over || state_ == State::starting_tls) return {step.consumed, Event::hang_up};
    Bytes rest = in.substr(step.consumed);
    progress = state_ == State::sasl ? next_sasl_line(rest, out) : next_command(rest, out);
    step.consumed += progress.consumed;
    step.event = progress.event;
    if (step.event != Event::need_input) return step;
  }
  return step;
}

Front::Progress Front::next_command(Bytes in, Out& out) {
  LiteralReader::Framed framed = messages_.next(in);
  switch (framed.status) {
    case LiteralReader::Status::incomplete:
      return {0, Event::need_input, false};
    case LiteralReader::Status::too_big:
      return {0, bye("Command too long.", out)};
    case LiteralReader::Status::literal:
      if (literal_welcome(in.substr(0, framed.size), framed)) {
        messages_.grant();
        say({"+ OK\r\n"}, out);
        return {};
      }
      messages_.reset();
      ++commands_;
      return {framed.size, settle(literal_refused(in.substr(0, framed.size), framed, out), out)};
    case LiteralReader::Status::message:
      break;
  }
  ++commands_;
  glued_ = framed.size < in.size();
  return {framed.size, settle(command(without_line_end(in.substr(0, framed.size)), framed.poisoned, out), out)};
}

// Only LOGIN and ID have arguments that may be literals, and only sane ones are asked for (T4).
bool Front::literal_welcome(Bytes line, const LiteralReader::Framed& framed) const {
  CommandHead head;
  if (framed.poisoned || !parse_head(line, head)) return false;
  if (framed.literal_size > limits::kLoginLiteralMax) return false;
  if (framed.size + framed.literal_size > limits::kCommandMax) return false;
  return (equal_ignoring_case(head.verb, "LOGIN") && login_allowed(policy_, tls_)) ||
         equal_ignoring_case(head.verb, "ID");
}

// The client waits for "+" and gets a tagged answer: the command is over, its literal will not come (RFC 9051 4.3).
Event Front::literal_refused(Bytes line, const LiteralReader::Framed& framed, Out& out) {
  CommandHead head;
  if (!parse_head(line, head)) return unparsable(line, out);
  tag_ = head.tag;
  bool login = equal_ignoring_case(head.verb, "LOGIN");
  if (login && !login_allowed(policy_, tls_)) return privacy_required(out);
  if (login || equal_ignoring_case(head.verb, "ID")) {
    return bad(framed.poisoned ? "NUL in command." : "Literal too large.", out);
  }
  return bad("No literal is expected here.", out);
}

Event Front::command(Bytes line, bool poisoned, Out& out) {
  CommandHead head;
  if (!parse_head(line, head)) return unparsable(line, out);
  tag_ = head.tag;
  if (poisoned) return bad("NUL in command.", out);
  return dispatch(head, out);
}

Event Front::unparsable(Bytes line, Out& out) {
  if (is_http(line)) return bye("This is not a web server.", out);
  ++bad_commands_;
  return untagged(line.empty() ? "BAD Empty command." : "BAD Not a command.", out);
}

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

// After each answer: has the client gone too far?
Event Front::settle(Event event, Out& out) {
  if (event != Event::need_input) return event;
  if (bad_commands_ >= limits::kBadCommandsMax) return bye("Too many bad commands.", out);
  if (auth_failures_ >= limits::kAuthFailuresMax) return bye("Too many failed logins.", out);
  if (commands_ >= limits::kCommandsBeforeLoginMax || said_ > kRepliesMax) {
    return bye("Too many commands before login.", out);
  }
  return event;
}

// --- the commands ---------------------------------------------------------------------------------------------------

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

Front::Progress Front::next_sasl_line(Bytes in, Out& out) {
  LineReader::Line line = lines_.next(in);
  if (line.status == LineReader::Status::incomplete) return {0, Event::need_input, false};
  if (line.status == LineReader::Status::too_long) return {0, bye("SASL response too long.", out)};
  state_ = State::command;
  if (line.text == "*") {
    sasl_.reset();
    return {line.consumed, settle(tagged("BAD", "Authentication cancelled.", out), out)};
  }
  return {line.consumed, settle(sasl_response(line.text, out), out)};
}

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

// --- the end --------------------------------------------------------------------------------------------------------

void Front::tls_established() {
  tls_ = true;
  state_ = State::command;
  messages_.reset();
  lines_.reset();
  sasl_.reset();
  credentials_ = {};
  forget(tag_);
  forget(client_id_);
  asked_capability_ = false;
}

void Front::accept(const std::vector<std::string>& backend, Out& out) {
  forget(credentials_.user);
  credentials_ = {};
  state_ = State::over;
  if (backend.empty()) {
    out.put({tag_, " OK Logged in.\r\n"});
    return;
  }
  std::string list = rewrite_capabilities(backend, *policy_.capabilities);
  if (asked_capability_) out.put({"* CAPABILITY ", list, "\r\n"});
  out.put({tag_, " OK [CAPABILITY ", list, "] Logged in.\r\n"});
}

Event Front::refuse(const Refusal& refusal, Out& out) {
  forget(credentials_.user);
  forget(credentials_.authzid);
  credentials_ = {};
  state_ = State::command;
  return settle(login_failed(refusal, out), out);
}

Event Front::login_failed(const Refusal& refusal, Out& out) {
  using Kind = Refusal::Kind;
  bool no_fault =
      refusal.kind == Kind::unavailable || refusal.kind == Kind::server_bug || refusal.kind == Kind::too_many;
  if (!no_fault) ++auth_failures_;
  return tagged("NO", refusal_text(refusal), out);
}

std::string_view Front::state_name() const {
  switch (state_) {
    case State::command:
      return "command";
    case State::sasl:
      return "sasl";
    case State::authenticating:
      return "authenticating";
    case State::starting_tls:
      return "starting_tls";
    case State::over:
      break;
  }
  return "over";
}

// --- replies --------------------------------------------------------------------------------------------------------

Event Front::bad(Bytes text, Out& out) {
  ++bad_commands_;
  return tagged("BAD", text, out);
}

Event Front::tagged(Bytes status, Bytes text, Out& out) {
  say({tag_, " ", status, " ", text, "\r\n"}, out);
  return Event::need_input;
}

Event Front::untagged(Bytes text, Out& out) {
  say({"* ", text, "\r\n"}, out);
  return Event::need_input;
}

Event Front::bye(Bytes text, Out& out) {
  say({"* BYE ", text, "\r\n"}, out);
  state_ = State::over;
  return Event::hang_up;
}

void Front::say(std::initializer_list<Bytes> parts, Out& out) {
  for (Bytes part : parts) said_ += part.size();
  out.put(parts);
}

}  // namespace

std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls) {
  return std::make_unique<Front>(policy, tls);
}

}  // namespace postigo::imap
