// The client's side of the relay behind a command's first line: lines that ask the backend for a word, their literals
// once it has been said, and the rest of what the backend will not see. What a first line may be stands in
// client_stream.cc.
#include <algorithm>

#include "parser/imap/client_stream.h"

namespace postigo::imap {

// --- lines that ask -------------------------------------------------------------------------------------------------

ClientStream::Action ClientStream::ask(Cursor& cursor, Bytes line, const CommandLine& said, Exchange::Ask what) {
  if (both_.exchange.idling()) return refuse(cursor, said);
  if (!both_.exchange.may_ask()) return Action::blocked;
  count(said.verb);
  line.remove_prefix(pass_alias(cursor, said.tag));
  both_.exchange.ask(what, alias_);
  if (!said.literal.present) {
    pass_line(cursor, line);
    return Action::go_on;
  }
  Announcement announced = said.literal;
  announced.end -= said.tag.size();
  arguments_ = said.state;
  pass_announcement(cursor, line, announced);
  return Action::go_on;
}

// A line that ends in "{n}" or "{n+}", as "{n}".
void ClientStream::pass_announcement(Cursor& cursor, Bytes line, const Announcement& announced) {
  left_ = announced.size;
  hidden_ = !announced.sync;
  cursor.at += announced.end;
  cursor.insert("}\r\n");
  cursor.skip(line.size() - announced.end);
  state_ = State::awaited;
}

// Refused: a client that waited sends its next command; one that did not wait sends the octets and the rest of the
// command (RFC 7888 4), which nobody wants.
ClientStream::Action ClientStream::at_awaited() {
  switch (both_.exchange.take_verdict()) {
    case Exchange::Verdict::none:
      return Action::blocked;
    case Exchange::Verdict::granted:
      state_ = left_ > 0 ? State::literal : State::rest;
      return Action::go_on;
    case Exchange::Verdict::refused:
      break;
  }
  if (hidden_) {
    tail_.reset();
    state_ = left_ > 0 ? State::swallow_literal : State::swallow_line;
  } else {
    new_line();
  }
  return Action::go_on;
}

void ClientStream::at_literal(Cursor& cursor) {
  size_t size = static_cast<size_t>(std::min<uint64_t>(left_, cursor.rest().size()));
  left_ -= size;
  bool swallowed = state_ == State::swallow_literal;
  if (swallowed) {
    cursor.skip(size);
  } else {
    cursor.at += size;
  }
  if (left_ == 0) state_ = swallowed ? State::swallow_line : State::rest;
}

ClientStream::Action ClientStream::at_rest(Cursor& cursor) {
  Bytes line;
  LineReader::Status status = take_line(cursor, line);
  if (status == LineReader::Status::incomplete) return Action::more;
  Announcement announced;
  bool fine = status == LineReader::Status::line && arguments_.take(without_line_end(line), true, announced);
  if (!fine) return refuse_rest(cursor, kUnknown);
  if (!announced.present) {
    pass_line(cursor, line);
    new_line();
    return Action::go_on;
  }
  // Whether the backend still reads a literal of a command that it has answered is anybody's guess. Its line ends here.
  if (both_.exchange.answered(alias_)) return refuse_rest(cursor, "\r\n");
  if (!both_.exchange.may_ask()) return Action::blocked;
  both_.exchange.ask(announced.sync ? Exchange::Ask::literal : Exchange::Ask::hidden_literal, alias_);
  pass_announcement(cursor, line, announced);
  return Action::go_on;
}

ClientStream::Action ClientStream::refuse_rest(Cursor& cursor, Bytes instead) {
  cursor.insert(instead);
  swallow();
  return Action::go_on;
}

// --- what does not pass ---------------------------------------------------------------------------------------------

void ClientStream::swallow() {
  tail_.reset();
  state_ = State::swallow_line;
}

// The rest of a command that the backend answers without having seen it. A synchronising literal ends it, for the
// client gets that answer instead of "+".
ClientStream::Action ClientStream::at_swallow(Cursor& cursor) {
  size_t end = cursor.in.find('\n', cursor.at);
  tail_.feed(cursor.in.substr(cursor.at, end - cursor.at));
  cursor.skip(std::min(end, cursor.in.size() - 1) + 1 - cursor.at);
  if (end == Bytes::npos) return Action::go_on;
  bool announced = tail_.found() && !tail_.sync() && !tail_.overflowed() && tail_.size() <= kLiteralMax;
  left_ = announced ? tail_.size() : 0;
  tail_.reset();
  if (!announced) {
    new_line();
  } else if (left_ > 0) {
    state_ = State::swallow_literal;
  }
  return Action::go_on;
}

}  // namespace postigo::imap
