// What a backend says from its greeting to its answer to the login: which line means what. What we say next stands in
// back_steps.cc, the login command in login_command.cc.
//
// One tag per question, made so that nobody can say it before us: whatever comes under another tag, twice, without a
// star or as a blank line answers nothing that we wait for, and is skipped (T78). All of it together is bounded.
#include "parser/imap/back.h"

#include "parser/base/ascii.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/back_dialogue.h"
#include "parser/imap/replies.h"
#include "parser/login/echo.h"

namespace postigo::imap {
namespace {

// Texts of a backend are for logs, and alerts for a line to a client.
constexpr size_t kTextMax = 512;
constexpr size_t kAlertsMax = 4;

// The first words of servers that will never speak IMAP here: no need to wait for more.
bool is_another_protocol(Bytes line) {
  return line.starts_with("+OK") || line.starts_with("-ERR") || line.starts_with("HTTP/") ||
         (line.size() > 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]));
}

// A list with such names describes the time before login, however late it comes.
bool tells_of_before_login(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("AUTH=") || name == "LOGINDISABLED" || name == "STARTTLS";
  });
}

}  // namespace

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
    answered_ = answered_ || state_ == State::login;  // whatever it says: it may have read the password
    bool flood = line.status == LineReader::Status::too_long || too_much();
    step.event = flood ? give_up("the backend says too much before login") : on_line(line.text, out);
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
    return too_much() ? give_up("the backend says too much before login") : Event::need_input;
  }
  if (state_ == State::greeting) return on_greeting(line, out);
  if (line.starts_with('+')) return on_continuation(line.substr(1), out);
  if (line.starts_with("* ")) return on_untagged(line.substr(2));
  return on_tagged(line, out);
}

Event Back::on_greeting(Bytes line, Out& out) {
  if (!line.starts_with("* ")) {
    return is_another_protocol(line) ? unavailable("the greeting is not IMAP", line) : Event::need_input;
  }
  Status status = parse_status(line.substr(2));
  std::string word = upper(status.word);
  note_alert(status);
  if (word == "BYE") return unavailable("the backend said BYE", status.text);
  // Nobody is logged in but our user; and before STARTTLS it would keep us from TLS (T30).
  if (word == "PREAUTH") return unavailable("the backend greets with PREAUTH");
  if (word != "OK") return unavailable("the greeting is not IMAP", line);
  parse_capabilities(status.code, capabilities_);
  return go_on(out);
}

Event Back::on_untagged(Bytes line) {
  Status status = parse_status(line);
  std::string word = upper(status.word);
  note_alert(status);
  if (word == "BAD" && policy_.proxy_header) return answers_the_header(status);
  if (word == "BYE") return give_up("the backend said BYE", status.text);
  if (word == "CAPABILITY") {
    note_list(line);
  } else if (word == "OK") {
    note_list(status.code);
  } else if (word != "NO" && word != "BAD") {
    expect_literal(line);
  }
  return too_much() ? give_up("the backend says too much before login") : Event::need_input;
}

// A list may come in two lines: their union counts (T78).
void Back::note_list(Bytes text) {
  if (state_ == State::asking || state_ == State::listing) {
    parse_capabilities(text, capabilities_);
  } else if (state_ == State::login) {
    std::vector<std::string> names;
    if (parse_capabilities(text, names) && !tells_of_before_login(names)) parse_capabilities(text, capabilities_);
  }
}

// T47: an alert must be shown to people, so who wrote it must be sure.
void Back::note_alert(const Status& status) {
  Bytes code = status.code;
  if (!equal_ignoring_case(take_word(code), "ALERT") || status.text.empty() || alerts_.size() == kAlertsMax) return;
  bool in_tls = policy_.tls == BackPolicy::Tls::implicit || secured_;
  bool before_tls = policy_.tls == BackPolicy::Tls::starttls && !secured_;
  bool allowed =
      policy_.alerts == BackPolicy::Alerts::always || (policy_.alerts == BackPolicy::Alerts::under_tls && in_tls);
  const Bytes shown = status.text.substr(0, kTextMax);
  if (repeats_credentials(shown, login_)) return;
  std::string text = printable(shown, kTextMax);
  if (allowed && !before_tls && std::find(alerts_.begin(), alerts_.end(), text) == alerts_.end()) {
    alerts_.push_back(std::move(text));
  }
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
Event Back::on_continuation(Bytes line, Out& out) {
  if (state_ != State::login) return Event::need_input;
  if (talk_.active()) return talk_.complete() ? Event::need_input : on_challenge(line, out);
  if (next_piece_ < pieces_.size()) {
    out.put(pieces_[next_piece_].reveal());
    pieces_[next_piece_++].clear();
  }
  return Event::need_input;
}

Event Back::on_challenge(Bytes text, Out& out) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  Result<Secret> answer = talk_.answer(text);
  if (!answer) return unavailable(answer.error().message);
  out.put({answer->reveal(), "\r\n"});
  return Event::need_input;
}

Event Back::on_tagged(Bytes line, Out& out) {
  Status status;
  Bytes rest = line;
  bool ours = take_word(rest) == tag_ && line.starts_with(tag_);
  status = parse_status(rest);
  if (!ours) {
    bool bad = equal_ignoring_case(status.word, "BAD") && policy_.proxy_header;
    return bad ? answers_the_header(status) : Event::need_input;
  }
  bool ok = equal_ignoring_case(status.word, "OK");
  switch (state_) {
    case State::asking:
      note_list(status.code);
      return ok ? go_on(out) : unavailable("CAPABILITY was refused", status.text);
    case State::starting_tls:
      return ok ? Event::start_tls : unavailable("STARTTLS was refused", status.text);
    case State::identifying:
      answered_ = true;
      return begin_login(out);  // whatever it thinks of the client
    case State::login:
      return on_login_answer(status, out);
    case State::listing:
      note_list(status.code);
      if (!ok) capabilities_.clear();  // unknown: the client may ask itself
      return finish(Event::logged_in);
    case State::greeting:
    case State::ready:
    case State::over:
      break;
  }
  return Event::need_input;
}

// Its lines have been taken for commands; what we said behind it may have been taken for a part of one.
Event Back::answers_the_header(const Status& status) {
  return give_up("the backend takes our PROXY header for commands", status.text);
}

Event Back::on_login_answer(const Status& status, Out& out) {
  note_alert(status);
  if (!equal_ignoring_case(status.word, "OK")) return on_login_refused(status, out);
  if (auto proven = talk_.active() ? talk_.accepted() : true; !proven) return unavailable(proven.error().message);
  refusal_.reset();  // of another way, which does not count any more
  parse_capabilities(status.code, capabilities_);
  if (!capabilities_.empty()) return finish(Event::logged_in);
  ask('5', State::listing, out);
  return Event::need_input;
}

// What a code means survives also if a part of it is a part of the password.
std::string Back::readable_code(Bytes code) const {
  code = code.substr(0, kTextMax);
  std::string name = code_name(code);
  bool known = tells_user(name) || name == "AUTHENTICATIONFAILED" || name == "AUTHORIZATIONFAILED" || name == "ALERT";
  return known && repeats_credentials(code, login_) ? name : readable(code, login_, kTextMax);
}

// A no may be about the user, about the way in which we said who he is (T77), or about neither.
Event Back::on_login_refused(const Status& status, Out& out) {
  std::string code = code_name(status.code);
  bool no = equal_ignoring_case(status.word, "NO");
  BackendReply reply = {readable_code(status.code), readable(status.text, login_, kTextMax),
                        talk_.active() ? talk_.reason() : std::string()};
  // A referral would lead the client around us; another backend, or an operator, may help in the other cases.
  if (code == "REFERRAL") return unavailable("the backend refers to another server", status.code);
  if (code == "UNAVAILABLE" || code == "SERVERBUG" || code == "PRIVACYREQUIRED" || code == "CLIENTBUG") {
    reply_ = std::move(reply);
    return finish(Event::unavailable);
  }
  if (no && heard_all() && !refusal_ && code != "CANNOT") refusal_ = reply;
  bool quoted_next = another_way() && ways_.all[way_ + 1] == LoginWay::quoted;
  bool about_the_way = !no || !heard_all() || (!quoted_next && (code.empty() || code == "CANNOT"));
  if (about_the_way && another_way()) {
    ++way_;
    say_login(out);
    return Event::need_input;
  }
  if (no && heard_all()) {
    reply_ = std::move(reply);
    return finish(Event::refused);
  }
  return give_up("the backend did not understand the login", status.text);
}

Event Back::lost() {
  if (state_ == State::over || !refusal_) return Event::unavailable;
  reply_ = *refusal_;
  return finish(Event::refused);
}

std::string_view Back::state_name() const {
  switch (state_) {
    case State::greeting:
      return "greeting";
    case State::asking:
      return "capability";
    case State::starting_tls:
      return "starttls";
    case State::ready:
      return "ready";
    case State::identifying:
      return "id";
    case State::login:
      return "login";
    case State::listing:
      return "capability-after-login";
    case State::over:
      break;
  }
  return "over";
}

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login) {
  return std::make_unique<Back>(policy, std::move(login));
}

// What only servers can tell apart (unknown, wrong, disabled) is one answer for the client, and so is every code that
// nobody registered (A21).
Refusal refusal_for(const BackendReply& reply) {
  std::string code = code_name(reply.code);
  if (code == "AUTHORIZATIONFAILED") return {Refusal::Kind::authorization_failed, ""};
  if (code == "UNAVAILABLE") return {Refusal::Kind::unavailable, ""};
  if (tells_user(code)) return {Refusal::Kind::relayed, code};
  return {Refusal::Kind::bad_credentials, ""};
}

}  // namespace postigo::imap
