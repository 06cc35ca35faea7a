// The client's side of the relay, octet by octet where words are, by count and by line elsewhere. It looks at tags,
// verbs and line ends only; what an argument means is between the client and its backend.
//
// Why "{n+}" becomes "{n}": servers differ in what they do with a non-synchronising literal of a command that they
// refuse early. Some skip its octets, some read them as commands. A filter that skips by count would let a client hide
// UNAUTHENTICATE in there. With "{n}" the backend says whether it takes the literal, and there is nothing to guess; and
// a client that learned LITERAL+ from us may use it with every backend. The price is one round trip to the backend.
#include "parser/imap/client_stream.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "parser/base/ascii.h"
#include "parser/imap/verbs.h"

namespace postigo::imap {
namespace {

constexpr Bytes kDone = "DONE";
constexpr std::string_view kCompress = "COMPRESS";
// RFC 8437, RFC 9051 6.2: what would change who the backend believes to talk to.
constexpr std::array<std::string_view, 4> kForbidden = {"AUTHENTICATE", "LOGIN", "STARTTLS", "UNAUTHENTICATE"};
// An unknown verb of any length up to that of the longest forbidden one, and the end of its line.
constexpr Bytes kUnknownVerb = "XXXXXXXXXXXXXX\r\n";

bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

FilterStep ClientStream::feed(Bytes in, Slices& out) {
  Cursor cursor{in, out};
  Action action = Action::go_on;
  while (cursor.more() && cursor.room() && action == Action::go_on) action = step(cursor);
  bool undecided = state_ == State::blank || state_ == State::done || state_ == State::verb || tail_.held() > 0;
  if (undecided && cursor.mark < cursor.at) {
    cursor.pass_until(cursor.mark);
    held_.keep(in.substr(cursor.mark, cursor.at - cursor.mark));
  } else {
    cursor.flush();
  }
  using Result = FilterStep::State;
  Result result = action == Action::broken ? Result::broken : action == Action::blocked ? Result::blocked : Result::ok;
  return {cursor.at, result};
}

// Consumes at least one octet, or changes the state, or does not go on.
ClientStream::Action ClientStream::step(Cursor& cursor) {
  if (exchange_.waiting()) return Action::blocked;
  switch (state_) {
    case State::start:
      at_start(cursor);
      break;
    case State::blank:
      at_blank(cursor);
      break;
    case State::done:
      at_done(cursor);
      break;
    case State::tag:
      at_tag(cursor);
      break;
    case State::gap:
      at_gap(cursor);
      break;
    case State::verb:
      at_verb(cursor);
      break;
    case State::args:
      return at_args(cursor);
    case State::awaited_literal:
      settle_literal();
      break;
    case State::swallow:
      return at_swallow(cursor);
    case State::literal:
    case State::swallow_literal:
      at_literal(cursor);
      break;
  }
  return Action::go_on;
}

// --- the start of a line --------------------------------------------------------------------------------------------

void ClientStream::new_line() {
  state_ = State::start;
  tag_hash_ = kTagHashStart;
  sync_ = Exchange::Wait::none;
  verb_ = kVerbOther;
  uid_ = false;
  tail_.reset();
}

void ClientStream::at_start(Cursor& cursor) {
  new_line();
  cursor.mark = cursor.at;
  char c = cursor.peek();
  if (is_blank(c) || c == '\n') {  // some servers would take what follows for the verb
    ++cursor.at;
    cursor.drop_marked();
  } else if (c == '\r') {
    ++cursor.at;
    state_ = State::blank;
  } else if (to_upper(c) == kDone[0]) {
    state_ = State::done;
  } else {
    not_done(cursor);
  }
}

// Blank lines are not worth an answer. Nor is a CR alone.
void ClientStream::at_blank(Cursor& cursor) {
  if (cursor.peek() == '\n') ++cursor.at;
  held_.drop();
  cursor.drop_marked();
  state_ = State::start;
}

// Follows "DONE" CR LF as far as it comes.
void ClientStream::at_done(Cursor& cursor) {
  size_t matched = held_.size() + (cursor.at - cursor.mark);
  char c = cursor.peek();
  bool in_word = matched < kDone.size() && to_upper(c) == kDone[matched];
  if (in_word || (matched == kDone.size() && c == '\r')) {
    ++cursor.at;
    return;
  }
  if (matched > kDone.size() && c != '\n' && !exchange_.idling()) {  // CR, but no line end
    held_.drop();
    cursor.drop_marked();
    tag_hash_ = tag_hash(tag_hash_, kDone);
    return no_verb(cursor, "DONE X\r\n");
  }
  if (matched < kDone.size() || c != '\n') return not_done(cursor);
  ++cursor.at;
  if (exchange_.idling()) {
    exchange_.stop_idling();
    release(cursor);
  } else {  // IDLE was refused, or is over: a server may or may not answer that
    held_.drop();
    cursor.drop_marked();
  }
  state_ = State::start;
}

// A line with something on it that is not DONE. In IDLE it ends IDLE with an error (RFC 2177 3), and as the backend may
// end IDLE at any moment, not one octet of it may pass that could become part of a command.
void ClientStream::not_done(Cursor& cursor) {
  if (exchange_.idling()) {
    exchange_.stop_idling();
    held_.drop();
    cursor.drop_marked();
    cursor.insert("X\r\n");
    state_ = State::swallow;
    return;
  }
  if (state_ == State::done) {
    tag_hash_ = tag_hash(tag_hash_, held_.view());
    tag_hash_ = tag_hash(tag_hash_, cursor.in.substr(cursor.mark, cursor.at - cursor.mark));
  }
  release(cursor);
  state_ = State::tag;
}

// --- tag and verb ---------------------------------------------------------------------------------------------------

// Servers agree on blanks between words and on little else: with a tab, a CR or a brace in a tag, one would see the
// verb here and another there. Such lines do not pass.
void ClientStream::at_tag(Cursor& cursor) {
  char c = cursor.peek();
  if (is_ctl(c) || c == '{') return no_verb(cursor, " X\r\n");
  if (c == ' ') {
    state_ = State::gap;
  } else {
    tag_hash_ = tag_hash(tag_hash_, {&c, 1});
  }
  ++cursor.at;
}

void ClientStream::at_gap(Cursor& cursor) {
  char c = cursor.peek();
  if (is_ctl(c)) {
    no_verb(cursor, "X\r\n");
  } else if (c == ' ') {
    ++cursor.at;
  } else {
    cursor.mark = cursor.at;
    state_ = State::verb;
  }
}

// A line without a verb, or with a brace in its tag, which no grammar allows. Given a verb that nobody knows and
// nothing behind it, it gets exactly one answer from any backend.
void ClientStream::no_verb(Cursor& cursor, Bytes verb_and_end) {
  cursor.insert(verb_and_end);
  count_command();
  exchange_.begin_command(tag_hash_);
  exchange_.end_command();
  state_ = State::swallow;
}

void ClientStream::at_verb(Cursor& cursor) {
  if (is_letter(cursor.peek()) && held_.size() + (cursor.at - cursor.mark) < kVerbMax) {
    ++cursor.at;
  } else {
    verb_known(cursor);
  }
}

void ClientStream::verb_known(Cursor& cursor) {
  std::array<char, kVerbMax> buffer;
  size_t size = 0;
  for (char c : held_.view()) buffer[size++] = to_upper(c);
  for (size_t i = cursor.mark; i < cursor.at; ++i) buffer[size++] = to_upper(cursor.in[i]);
  Bytes verb(buffer.data(), size);

  if (forbidden(verb)) return neutralise(cursor, size);
  release(cursor);
  if (verb == "UID" && !uid_ && cursor.peek() == ' ') {
    uid_ = true;  // the verb that counts is the next word
    state_ = State::gap;
    return;
  }
  verb_ = static_cast<uint8_t>(verb_index(verb));
  if (verb == "IDLE") sync_ = Exchange::Wait::idle;
  if (verb == kCompress) sync_ = Exchange::Wait::compress;
  state_ = State::args;
}

bool ClientStream::forbidden(Bytes upper_verb) const {
  if (upper_verb == kCompress) return !policy_.allow_compress;
  return std::find(kForbidden.begin(), kForbidden.end(), upper_verb) != kForbidden.end();
}

void ClientStream::neutralise(Cursor& cursor, size_t verb_size) {
  held_.drop();
  cursor.drop_marked();
  cursor.insert(kUnknownVerb.substr(kUnknownVerb.size() - 2 - verb_size));
  count_command();
  exchange_.begin_command(tag_hash_);
  exchange_.end_command();
  state_ = State::swallow;
}

// --- arguments and literals -----------------------------------------------------------------------------------------

ClientStream::Action ClientStream::at_args(Cursor& cursor) {
  size_t end = std::min(cursor.in.find('\n', cursor.at), cursor.in.size());
  Bytes segment = cursor.in.substr(cursor.at, end - cursor.at);
  tail_.feed(segment);
  cursor.at = end;
  // "+}" and CR at the very end wait: if a line end follows, they do not pass as they are.
  if (tail_.held() <= segment.size()) {
    release(cursor);
    cursor.mark = end - tail_.held();
  }
  return cursor.more() ? at_line_end(cursor) : Action::go_on;
}

ClientStream::Action ClientStream::at_line_end(Cursor& cursor) {
  bool literal = tail_.found();
  if (!literal) release(cursor);
  // The command has its answer and still announces a literal: whether the backend reads that is anybody's guess.
  if (literal && (tail_.overflowed() || exchange_.answered_early())) return Action::broken;
  bool sync = literal || sync_ != Exchange::Wait::none;
  if (sync && exchange_.others_pending()) return Action::blocked;

  bool has_cr = tail_.held() == 3;
  ++cursor.at;
  if (!exchange_.in_command()) {
    count_command();
    exchange_.begin_command(tag_hash_);
  }
  if (literal) {
    announce_literal(cursor, has_cr);
    return Action::go_on;
  }
  exchange_.end_command();
  if (sync) exchange_.wait(sync_);
  new_line();
  return Action::go_on;
}

void ClientStream::announce_literal(Cursor& cursor, bool has_cr) {
  left_ = tail_.size();
  hidden_literal_ = !tail_.sync();
  if (hidden_literal_) {
    held_.drop();
    cursor.drop_marked();
    cursor.insert(has_cr ? "}\r\n" : "}\n");
  }
  exchange_.wait(hidden_literal_ ? Exchange::Wait::hidden_literal : Exchange::Wait::literal);
  state_ = State::awaited_literal;
  tail_.reset();
}

// The backend has answered. Refused: a client that waited sends its next command; one that did not wait sends the
// octets and the rest of the command (RFC 7888 4), which nobody wants.
void ClientStream::settle_literal() {
  if (exchange_.take_verdict() == Exchange::Verdict::granted) {
    state_ = State::literal;
    return;
  }
  exchange_.end_command();
  if (hidden_literal_) {
    state_ = State::swallow_literal;
  } else {
    new_line();
  }
}

void ClientStream::at_literal(Cursor& cursor) {
  size_t size = static_cast<size_t>(std::min<uint64_t>(left_, cursor.in.size() - cursor.at));
  left_ -= size;
  bool swallow = state_ == State::swallow_literal;
  cursor.mark = cursor.at;
  cursor.at += size;
  if (swallow) cursor.drop_marked();
  if (left_ == 0) state_ = swallow ? State::swallow : State::args;
}

// The rest of a command that the backend answers without having seen it. A synchronising literal ends it, for the
// client gets that answer instead of "+".
ClientStream::Action ClientStream::at_swallow(Cursor& cursor) {
  size_t end = std::min(cursor.in.find('\n', cursor.at), cursor.in.size());
  tail_.feed(cursor.in.substr(cursor.at, end - cursor.at));
  bool complete = end < cursor.in.size();
  cursor.mark = cursor.at;
  cursor.at = complete ? end + 1 : end;
  cursor.drop_marked();
  if (!complete) return Action::go_on;
  if (!tail_.found() || tail_.sync()) {
    new_line();
    return Action::go_on;
  }
  if (tail_.overflowed()) return Action::broken;
  left_ = tail_.size();
  tail_.reset();
  state_ = State::swallow_literal;
  return Action::go_on;
}

// What was undecided passes.
void ClientStream::release(Cursor& cursor) {
  // Octets from an earlier chunk come before all of this one: nothing of it can have passed yet.
  if (held_.size() > 0) cursor.out.add(held_.release());
}

void ClientStream::count_command() {
  ++commands_;
  counts_[verb_].inc();
  if (kVerbs[verb_] == "LOGOUT") said_logout_ = true;
}

}  // namespace postigo::imap
