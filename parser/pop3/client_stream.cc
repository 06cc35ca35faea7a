// Finds the verb of each line at any chunking, decides what it may do, and notes the shape of the answer.
// Not here: what a client's arguments mean. Verbs that we do not know pass, and are taken to be answered by one line.
#include "parser/pop3/client_stream.h"

#include <algorithm>

#include "parser/base/ascii.h"
#include "parser/pop3/filter.h"

namespace postigo::pop3 {
namespace {

// Commands whose positive answer is a listing, always or without an argument.
struct Listing {
  std::string_view verb;
  Shape bare;
  Shape with_argument;
};
constexpr Listing kListings[] = {
    {"CAPA", Shape::capa, Shape::capa},       {"LIST", Shape::listing, Shape::single},
    {"UIDL", Shape::listing, Shape::single},  {"LANG", Shape::listing, Shape::single},
    {"RETR", Shape::listing, Shape::listing}, {"TOP", Shape::listing, Shape::listing},
};

// What must not reach a backend that has a user: another identity, another TLS, another client address. XTND opens an
// upload whose lines we would take for commands.
constexpr std::string_view kForbidden[] = {"USER", "PASS", "AUTH", "APOP", "RPOP", "STLS", "XCLIENT", "XOIP", "XTND"};

constexpr Bytes kUnknownVerb = "XXXXXXXX";

// Whatever some server may take for white space or for the end of a C string ends a verb.
bool ends_verb(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

bool is_forbidden(Bytes verb) {
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](auto name) { return equal_ignoring_case(name, verb); });
}

bool may_become_forbidden(Bytes start) {
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](auto name) { return starts_with_ignoring_case(name, start); });
}

Shape shape_of_answer(Bytes verb, bool has_argument) {
  for (const Listing& row : kListings) {
    if (equal_ignoring_case(row.verb, verb)) return has_argument ? row.with_argument : row.bare;
  }
  return Shape::single;
}

size_t counter_index(Bytes verb) {
  auto found =
      std::find_if(kVerbs.begin(), kVerbs.end() - 1, [&](auto name) { return equal_ignoring_case(name, verb); });
  return static_cast<size_t>(found - kVerbs.begin());
}

}  // namespace

void ClientStream::Cursor::flush(size_t to) {
  out.add(in.substr(from, to - from));
  from = to;
}

FilterStep ClientStream::feed(Bytes in, Slices& out, ReplyQueue& owed) {
  constexpr size_t kRoom = 3;  // a state adds at most two slices, suspend() one more
  Cursor cursor{in, out};
  FilterStep::State verdict = FilterStep::State::ok;
  while (cursor.at < in.size() && out.all().size() + kRoom <= Slices::kMax) {
    if (owed.full()) {  // only ever at the start of a line: it is the end of one that fills the queue
      verdict = FilterStep::State::blocked;
      break;
    }
    switch (state_) {
      case State::indent:
        indent(cursor, owed);
        break;
      case State::verb:
        verb(cursor);
        break;
      case State::rest:
        rest(cursor, owed);
        break;
      case State::cut:
        cut(cursor, owed);
        break;
    }
  }
  suspend(cursor);
  return {cursor.at, verdict};
}

void ClientStream::indent(Cursor& cursor, ReplyQueue& owed) {
  char c = cursor.in[cursor.at];
  if (c == '\n') {
    // Some servers answer a blank line, some do not. All answer an unknown verb.
    cursor.flush(cursor.at);
    cursor.out.add(kUnknownVerb.substr(0, 1));
    ++cursor.at;
    end_line(Shape::single, owed);
  } else if (ends_verb(c)) {
    ++cursor.at;
  } else {
    state_ = State::verb;
  }
}

void ClientStream::verb(Cursor& cursor) {
  char c = cursor.in[cursor.at];
  if (ends_verb(c) || verb_size_ == kVerbMax) return decide(cursor);
  verb_[verb_size_++] = c;
  ++cursor.at;
}

void ClientStream::decide(Cursor& cursor) {
  if (is_forbidden(said())) {
    cursor.flush(cursor.at - (verb_size_ - held_size_));
    cursor.out.add(kUnknownVerb.substr(0, verb_size_));
    cursor.skip_to(cursor.at);
    held_size_ = 0;
    state_ = State::cut;
    return;
  }
  pass_held(cursor);
  state_ = State::rest;
}

void ClientStream::rest(Cursor& cursor, ReplyQueue& owed) {
  Bytes left = cursor.in.substr(cursor.at);
  size_t end = left.find('\n');
  Bytes line = left.substr(0, end);
  has_argument_ = has_argument_ || !std::all_of(line.begin(), line.end(), ends_verb);
  if (end == Bytes::npos) {
    cursor.at = cursor.in.size();
    return;
  }
  cursor.at += end + 1;
  end_line(shape_of_answer(said(), has_argument_), owed);
}

void ClientStream::cut(Cursor& cursor, ReplyQueue& owed) {
  size_t end = cursor.in.find('\n', cursor.at);
  if (end == Bytes::npos) return cursor.skip_to(cursor.in.size());
  cursor.out.add("\r\n");
  cursor.skip_to(end + 1);
  verb_size_ = 0;
  end_line(Shape::single, owed);
}

// The input ends here, or the slices are full: all that is decided passes, a verb that may still turn out forbidden
// waits for its next letter.
void ClientStream::suspend(Cursor& cursor) {
  if (state_ == State::verb && may_become_forbidden(said())) {
    cursor.flush(cursor.at - (verb_size_ - held_size_));
    held_size_ = verb_size_;
    return;
  }
  pass_held(cursor);
  cursor.flush(cursor.at);
}

void ClientStream::pass_held(Cursor& cursor) {
  if (held_size_ == 0) return;
  held_ = verb_;  // verb_ may be needed for the next line before the slice has been written
  cursor.out.add({held_.data(), held_size_});
  held_size_ = 0;
}

void ClientStream::end_line(Shape shape, ReplyQueue& owed) {
  owed.push(shape);
  ++commands_;
  counts_[counter_index(said())].inc();
  said_quit_ = said_quit_ || equal_ignoring_case(said(), "QUIT");
  verb_size_ = 0;
  has_argument_ = false;
  state_ = State::indent;
}

}  // namespace postigo::pop3
