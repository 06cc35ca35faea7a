// Finds the verb of each line, decides what it may do, and notes the shape of the answer.
// Not here: what a client's arguments mean. Verbs that we do not know pass, and are taken to be answered by one line.
#include "parser/pop3/client_stream.h"

#include <algorithm>

#include "parser/base/ascii.h"
#include "parser/base/name_index.h"
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
    {"CAPA", Shape::capa, Shape::capa_of},    {"LIST", Shape::listing, Shape::single},
    {"UIDL", Shape::listing, Shape::single},  {"LANG", Shape::listing, Shape::single},
    {"RETR", Shape::listing, Shape::listing}, {"TOP", Shape::listing, Shape::listing},
};

// What must not reach a backend that has a user: another identity, another TLS, another client address. XTND opens an
// upload whose lines we would take for commands.
constexpr std::string_view kForbidden[] = {"USER", "PASS", "AUTH", "APOP", "RPOP", "STLS", "XCLIENT", "XOIP", "XTND"};

constexpr Bytes kUnknown = "X\r\n";

bool is_forbidden(Bytes verb) {
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](auto name) { return equal_ignoring_case(name, verb); });
}

Shape shape_of_answer(Bytes verb, bool has_argument) {
  for (const Listing& row : kListings) {
    if (equal_ignoring_case(row.verb, verb)) return has_argument ? row.with_argument : row.bare;
  }
  return Shape::single;
}

constexpr NameIndex kVerbIndex(kVerbs);

size_t counter_index(Bytes verb) { return std::min(kVerbIndex.find(verb), kVerbs.size() - 1); }

}  // namespace

void ClientStream::Cursor::flush() {
  out.add(in.substr(from, at - from));
  from = at;
}

void ClientStream::Cursor::replace(size_t size, Bytes instead) {
  flush();
  out.add(instead);
  from = at = at + size;
}

FilterStep ClientStream::feed(Bytes in, Slices& out, ReplyQueue& owed) {
  constexpr size_t kRoom = 4;  // a line adds at most three slices, the end one more
  Cursor cursor{in, out};
  FilterStep::State verdict = FilterStep::State::ok;
  while (cursor.at < in.size() && out.all().size() + kRoom <= Slices::kMax && verdict == FilterStep::State::ok) {
    if (owed.full()) {
      verdict = FilterStep::State::blocked;
    } else if (!take(cursor, owed)) {
      verdict = FilterStep::State::more;
    }
  }
  cursor.flush();
  return {cursor.at, verdict};
}

// One line. False: it is incomplete.
bool ClientStream::take(Cursor& cursor, ReplyQueue& owed) {
  Bytes rest = cursor.in.substr(cursor.at);
  if (swallow_) {
    size_t end = rest.find('\n');
    swallow_ = end == Bytes::npos;
    cursor.replace(std::min(end, rest.size() - 1) + 1, {});
    return true;
  }
  LineReader::Line read = reader_.next(rest);
  if (read.status == LineReader::Status::incomplete) return false;
  if (read.status == LineReader::Status::line) {
    command(cursor, read, owed);
  } else {
    swallow_ = true;
    refuse(cursor, 0, owed);
  }
  return true;
}

void ClientStream::command(Cursor& cursor, const LineReader::Line& line, ReplyQueue& owed) {
  Bytes text = line.text;
  bool clear = !text.empty() && text[0] != ' ' && !has_ctl(text);
  size_t end = text.find(' ');
  Bytes verb = text.substr(0, end);
  if (!clear || is_forbidden(verb)) return refuse(cursor, line.consumed, owed);
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  cursor.at += text.size();
  bool as_it_is = text.size() == line.text.size() && line.consumed == text.size() + 2;
  if (as_it_is) {
    cursor.at += 2;
  } else {
    cursor.replace(line.consumed - text.size(), "\r\n");
  }
  owed.push(shape_of_answer(verb, text.size() > verb.size()));
  count(verb);
}

void ClientStream::refuse(Cursor& cursor, size_t size, ReplyQueue& owed) {
  cursor.replace(size, kUnknown);
  owed.push(Shape::single);
  count({});
}

void ClientStream::count(Bytes verb) {
  ++commands_;
  counts_[counter_index(verb)].inc();
  said_quit_ = said_quit_ || equal_ignoring_case(verb, "QUIT");
}

}  // namespace postigo::pop3
