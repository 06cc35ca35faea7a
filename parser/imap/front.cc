// The not-authenticated state as a loop: what is cut off the input, what ends the dialogue or suspends it, and how it
// answers. What each command does stands in front_commands.cc, the texts in replies.cc; whether a password is right is
// decided far away, between authenticate and accept() or refuse().
#include "parser/imap/front.h"

#include "parser/base/ascii.h"
#include "parser/imap/capability.h"
#include "parser/imap/front_dialogue.h"
#include "parser/sasl/credentials.h"

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

}  // namespace

Step Front::feed(Bytes in, Out& out) {
  Step step;
  Progress progress;
  while (progress.more) {
    if (state_ == State::authenticating) return step;
    if (state_ == State::over || state_ == State::starting_tls) return {step.consumed, Event::hang_up};
    Bytes rest = in.substr(step.consumed);
    progress = state_ == State::sasl            ? next_sasl_line(rest, out)
               : state_ == State::sasl_too_long ? skip_sasl_line(rest, out)
               : state_ == State::sasl_refused  ? after_refusal(rest, out)
                                                : next_command(rest, out);
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
      attempts_.command();
      return {framed.size, settle(literal_refused(in.substr(0, framed.size), framed, out), out)};
    case LiteralReader::Status::message:
      break;
  }
  attempts_.command();
  return {framed.size, settle(command(without_line_end(in.substr(0, framed.size)), framed.poisoned, out), out)};
}

Front::Progress Front::next_sasl_line(Bytes in, Out& out) {
  LineReader::Line line = lines_.next(in);
  if (line.status == LineReader::Status::incomplete) return {0, Event::need_input, false};
  if (line.status == LineReader::Status::too_long) {
    state_ = State::sasl_too_long;
    skipped_ = 0;
    return {};
  }
  state_ = State::command;
  return {line.consumed, settle(on_sasl(sasl_.respond(line.text, credentials_), out), out)};
}

// Too long for a password is a wrong password. To know where the line ends it must come, but it need not be kept.
Front::Progress Front::skip_sasl_line(Bytes in, Out& out) {
  size_t end = in.find('\n');
  size_t size = end == Bytes::npos ? in.size() : end + 1;
  skipped_ += size;
  if (skipped_ > limits::kCommandMax) return {size, bye("SASL response too long.", out)};
  if (end == Bytes::npos) return {size, Event::need_input, false};
  sasl_.too_long(credentials_);
  return {size, on_sasl(SaslExchange::Outcome::done, out)};
}

// The client's answer to a challenge that refused it: whatever it is, it says nothing (RFC 7628 3.2.3).
Front::Progress Front::after_refusal(Bytes in, Out& out) {
  size_t end = in.find('\n');
  size_t size = end == Bytes::npos ? in.size() : end + 1;
  skipped_ += size;
  if (skipped_ > limits::kCommandMax) return {size, bye("SASL response too long.", out)};
  if (end == Bytes::npos) return {size, Event::need_input, false};
  state_ = State::command;
  return {size, settle(tagged("NO", refusal_, out), out)};
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
  if (login && !policy_.takes_passwords()) return on_login(Lexer(Bytes()), out);
  if (login && !login_allowed(policy_, tls_)) return privacy_required(out);
  // Nobody has such a name or password. What could not be any command's is an error, though.
  bool sane = !framed.poisoned && framed.literal_size <= limits::kCommandMax;
  if (login && sane) return authenticate(sasl::impossible_credentials("LOGIN", {}));
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
  attempts_.bad_command();
  return untagged(line.empty() ? "BAD Empty command." : "BAD Not a command.", out);
}

// After each answer: has the client gone too far?
Event Front::settle(Event event, Out& out) {
  if (event != Event::need_input && event != Event::abandoned) return event;
  if (attempts_.too_many_bad_commands()) return bye("Too many bad commands.", out);
  if (attempts_.too_many_failures()) return bye("Too many failed logins.", out);
  if (attempts_.too_many_commands() || said_ > kRepliesMax) return bye("Too many commands before login.", out);
  return event;
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
  hops_left_.reset();
  told_.reset();
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
  const std::string& list = rewrite_capabilities(backend, policy_.capabilities);
  if (asked_capability_) out.put({"* CAPABILITY ", list, "\r\n"});
  out.put({tag_, " OK [CAPABILITY ", list, "] Logged in.\r\n"});
}

Event Front::refuse(const Refusal& refusal, Out& out) {
  forget(credentials_.user);
  forget(credentials_.authzid);
  credentials_ = {};
  state_ = State::command;
  attempts_.refused(refusal.kind);
  if (refusal.kind == Refusal::Kind::bad_credentials && sasl_.refused(refusal.token_error)) {
    refusal_ = refusal_text(refusal);
    skipped_ = 0;
    on_sasl(SaslExchange::Outcome::challenge, out);
    state_ = State::sasl_refused;
    return Event::need_input;
  }
  sasl_.reset();
  return settle(tagged("NO", refusal_text(refusal), out), out);
}

Event Front::supply(const StoredSecret& secret, Out& out) {
  state_ = State::command;
  return settle(on_sasl(sasl_.supply(secret, credentials_), out), out);
}

std::string_view Front::state_name() const {
  switch (state_) {
    case State::command:
      return "command";
    case State::sasl:
    case State::sasl_too_long:
    case State::sasl_refused:
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
  attempts_.bad_command();
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

std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) {
  return std::make_unique<Front>(policy, tls, facts);
}

}  // namespace postigo::imap
