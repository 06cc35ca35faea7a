// The dialogue with a backend from its greeting to its answer to the login: STARTTLS, capabilities, ID, login, and what
// of the answers means refused, and what unavailable. The login command itself is made by login_command.cc.
#include "parser/imap/back.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/client_id.h"
#include "parser/imap/login_command.h"
#include "parser/imap/response.h"

namespace postigo::imap {
namespace {

// One tag per question, so that an answer to another one is noticed.
constexpr Bytes kTagAsk = "P1";    // CAPABILITY before login
constexpr Bytes kTagTls = "P2";    // STARTTLS
constexpr Bytes kTagId = "P3";     // ID
constexpr Bytes kTagLogin = "P4";  // AUTHENTICATE or LOGIN
constexpr Bytes kTagList = "P5";   // CAPABILITY after login

// Texts of a backend are for logs and, relayed, for one line to a client.
constexpr size_t kTextMax = 512;

class Back final : public BackDialogue {
 public:
  Back(const BackPolicy& policy, BackLogin login) : policy_(policy), login_(std::move(login)) {}

  Step feed(Bytes in, Out& out) override;
  void tls_established(Out& out) override;
  const BackendReply& reply() const override { return reply_; }
  const std::vector<std::string>& capabilities() const override { return capabilities_; }
  std::string_view state_name() const override;

 private:
  enum class State { greeting, asking, starting_tls, login, listing, over };

  Event on_line(Bytes line, Out& out);
  Event on_greeting(Bytes line, Out& out);
  Event on_untagged(Bytes line);
  Event on_continuation(Out& out);
  Event on_tagged(Bytes line, Out& out);
  Event on_login_answer(const Status& status, Out& out);
  void expect_literal(Bytes line);

  Event go_on(Out& out);
  void ask(Out& out);
  Event begin_login(Out& out);
  std::string id_command() const;
  Event unavailable(Bytes why, Bytes backend_text = {});
  Event finish(Event event);
  bool lists(Bytes name) const {
    return std::find(capabilities_.begin(), capabilities_.end(), name) != capabilities_.end();
  }

  const BackPolicy policy_;
  BackLogin login_;
  State state_ = State::greeting;
  LineReader lines_{limits::kBackendLineMax};
  std::vector<std::string> capabilities_;
  std::vector<Secret> pieces_;  // of the login command
  size_t next_piece_ = 0;
  BackendReply reply_;
  size_t total_ = 0;
  size_t skip_ = 0;            // octets of a literal in an untagged response
  bool mid_response_ = false;  // the next line goes on behind a literal
  bool secured_ = false;       // STARTTLS is done
};

// --- the loop -------------------------------------------------------------------------------------------------------

Step Back::feed(Bytes in, Out& out) {
  Step step;
  while (state_ != State::over) {
    size_t skipped = std::min(skip_, in.size() - step.consumed);
    skip_ -= skipped;
    step.consumed += skipped;
    LineReader::Line line = lines_.next(in.substr(step.consumed));
    if (line.status == LineReader::Status::incomplete || skip_ > 0) return step;
    total_ += line.consumed;
    bool too_much = line.status == LineReader::Status::too_long || total_ > limits::kBackendLoginMax;
    step.event = too_much ? unavailable("the backend says too much before login") : on_line(line.text, out);
    step.consumed += line.consumed;
    // What came along in clear could have been put there by anybody (A18, T28).
    if (step.event == Event::start_tls && step.consumed < in.size()) {
      step.event = unavailable("the backend sent data between STARTTLS and TLS");
    }
    if (step.event != Event::need_input) return step;
  }
  return {0, Event::hang_up};
}

Event Back::on_line(Bytes line, Out& out) {
  if (mid_response_) {
    mid_response_ = false;
    expect_literal(line);
    return skip_ > limits::kBackendLoginMax ? unavailable("the backend says too much before login") : Event::need_input;
  }
  if (state_ == State::greeting) return on_greeting(line, out);
  if (line.starts_with('+')) return on_continuation(out);
  if (line.starts_with("* ")) return on_untagged(line.substr(2));
  return on_tagged(line, out);
}

Event Back::on_greeting(Bytes line, Out& out) {
  if (!line.starts_with("* ")) return unavailable("the greeting is not IMAP");
  Status status = parse_status(line.substr(2));
  std::string word = upper(status.word);
  if (word == "BYE") return unavailable("the backend said BYE", status.text);
  // Nobody is logged in but our user; and before STARTTLS it would keep us from TLS (T30).
  if (word == "PREAUTH") return unavailable("the backend greets with PREAUTH");
  if (word != "OK") return unavailable("the greeting is not IMAP");
  parse_capabilities(status.code, capabilities_);
  return go_on(out);
}

Event Back::on_untagged(Bytes line) {
  Status status = parse_status(line);
  std::string word = upper(status.word);
  if (word == "BYE") return unavailable("the backend said BYE", status.text);
  if (word == "CAPABILITY") {
    parse_capabilities(line, capabilities_);
  } else if (word == "OK") {
    parse_capabilities(status.code, capabilities_);
  } else if (word != "NO" && word != "BAD") {
    expect_literal(line);
  }
  return skip_ > limits::kBackendLoginMax ? unavailable("the backend says too much before login") : Event::need_input;
}

// Untagged responses that are no status may hold literals ("* ID ("name" {5}"): they are skipped unread.
void Back::expect_literal(Bytes line) {
  LiteralTail tail;
  tail.feed(line);
  if (!tail.found()) return;
  mid_response_ = true;
  skip_ = tail.overflowed() || tail.size() > limits::kBackendLoginMax ? limits::kBackendLoginMax + 1 : tail.size();
  total_ += skip_;
}

// "+", with or without text (T21). One that nobody waits for is ignored (T34).
Event Back::on_continuation(Out& out) {
  if (state_ == State::login && next_piece_ < pieces_.size()) {
    out.put(pieces_[next_piece_].reveal());
    pieces_[next_piece_++].clear();
  }
  return Event::need_input;
}

Event Back::on_tagged(Bytes line, Out& out) {
  size_t end = line.find(' ');
  Bytes tag = line.substr(0, end);
  Status status = parse_status(end == Bytes::npos ? Bytes() : line.substr(end + 1));
  bool ok = equal_ignoring_case(status.word, "OK");
  if (state_ == State::login && tag == kTagId) return Event::need_input;  // whatever it thinks of us
  if (state_ == State::asking && tag == kTagAsk) {
    parse_capabilities(status.code, capabilities_);
    return ok ? go_on(out) : unavailable("CAPABILITY was refused", status.text);
  }
  if (state_ == State::starting_tls && tag == kTagTls) {
    return ok ? Event::start_tls : unavailable("STARTTLS was refused", status.text);
  }
  if (state_ == State::login && tag == kTagLogin) return on_login_answer(status, out);
  if (state_ == State::listing && tag == kTagList) {
    if (!ok) capabilities_.clear();  // unknown: the client may ask itself
    return finish(Event::logged_in);
  }
  return unavailable("the backend answered what was not asked", line);
}

// --- what comes next ------------------------------------------------------------------------------------------------

// The greeting or an answer to CAPABILITY is there.
Event Back::go_on(Out& out) {
  if (capabilities_.empty()) {
    if (state_ == State::asking) return unavailable("the backend lists no capabilities");
    ask(out);
    return Event::need_input;
  }
  if (policy_.tls != BackPolicy::Tls::starttls || secured_) return begin_login(out);
  // Never go on in clear: a stripped STARTTLS looks the same as a missing one (A19).
  if (!lists("STARTTLS")) return unavailable("the backend does not offer STARTTLS");
  out.put({kTagTls, " STARTTLS\r\n"});
  state_ = State::starting_tls;
  return Event::need_input;
}

void Back::ask(Out& out) {
  capabilities_.clear();
  out.put({kTagAsk, " CAPABILITY\r\n"});
  state_ = State::asking;
}

void Back::tls_established(Out& out) {
  secured_ = true;
  lines_.reset();
  ask(out);
}

Event Back::begin_login(Out& out) {
  Result<std::vector<Secret>> pieces = login_command(kTagLogin, login_, capabilities_);
  if (!pieces) return unavailable(pieces.error().message);
  // ID and the login in one write: a backend that trusts us takes the first ID only, and takes it before the login
  // (T64).
  if (policy_.forward_client && lists("ID")) out.put(id_command());
  pieces_ = std::move(*pieces);
  out.put(pieces_[0].reveal());
  pieces_[0].clear();
  next_piece_ = 1;
  login_.password.clear();
  capabilities_.clear();  // from here on a list describes the time after login
  state_ = State::login;
  return Event::need_input;
}

// Dovecot's names (2.3 and 2.4; an older one ignores what it does not know).
std::string Back::id_command() const {
  const ClientFacts& facts = login_.facts;
  std::string line(kTagId);
  line += " ID (" + id_pair("x-session-id", facts.session_id);
  line += " " + id_pair("x-originating-ip", facts.client_ip);
  line += " " + id_pair("x-originating-port", std::to_string(facts.client_port));
  line += " " + id_pair("x-connected-ip", facts.local_ip);
  line += " " + id_pair("x-connected-port", std::to_string(facts.local_port));
  line += " " + id_pair("x-proxy-ttl", std::to_string(facts.hops_left));
  line += " " + id_pair("x-client-transport", facts.tls ? "TLS" : "insecure");
  if (!facts.client_id.empty()) line += " " + facts.client_id;
  return line + ")\r\n";
}

Event Back::on_login_answer(const Status& status, Out& out) {
  reply_ = {printable(status.code, kTextMax), printable(status.text, kTextMax)};
  std::string word = upper(status.word);
  std::string code = code_name(status.code);
  if (word == "OK") {
    parse_capabilities(status.code, capabilities_);
    if (!capabilities_.empty()) return finish(Event::logged_in);
    out.put({kTagList, " CAPABILITY\r\n"});
    state_ = State::listing;
    return Event::need_input;
  }
  // A referral would lead the client around us; another backend, or an operator, may help in the other cases.
  if (code == "REFERRAL") return unavailable("the backend refers to another server", status.code);
  if (code == "UNAVAILABLE" || code == "SERVERBUG" || code == "PRIVACYREQUIRED") return finish(Event::unavailable);
  if (word == "NO") return finish(Event::refused);
  return unavailable("the backend did not understand the login", status.text);
}

Event Back::unavailable(Bytes why, Bytes backend_text) {
  reply_ = {"", std::string(why)};
  if (!backend_text.empty()) reply_.text += ": " + printable(backend_text, kTextMax);
  return finish(Event::unavailable);
}

Event Back::finish(Event event) {
  state_ = State::over;
  pieces_.clear();
  login_.password.clear();
  return event;
}

std::string_view Back::state_name() const {
  switch (state_) {
    case State::greeting:
      return "greeting";
    case State::asking:
      return "capability";
    case State::starting_tls:
      return "starttls";
    case State::login:
      return "login";
    case State::listing:
      return "capability-after-login";
    case State::over:
      break;
  }
  return "over";
}

}  // namespace

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login) {
  return std::make_unique<Back>(policy, std::move(login));
}

Refusal refusal_for(const BackendReply& reply) {
  std::string code = code_name(reply.code);
  if (code.empty() || code == "AUTHENTICATIONFAILED" || code == "ALERT") {
    return {Refusal::Kind::bad_credentials, "", ""};
  }
  if (code == "AUTHORIZATIONFAILED") return {Refusal::Kind::authorization_failed, "", ""};
  if (code == "UNAVAILABLE") return {Refusal::Kind::unavailable, "", ""};
  return {Refusal::Kind::relayed, reply.code, reply.text};
}

}  // namespace postigo::imap
