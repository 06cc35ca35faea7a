// Lines and literals to messages. It knows "{n}" and "{n+}" and quotes, and nothing else of the grammar: what a command
// is and whether a literal is welcome is decided by the front.
#include "parser/framing/literal_reader.h"

#include <algorithm>
#include <cassert>

#include "parser/framing/line_reader.h"

namespace postigo {

LiteralReader::Framed LiteralReader::next(Bytes in) {
  if (waiting_) return {Status::literal, scanned_, announced_, poisoned_};
  for (;;) {
    // Inside a literal scanned_ lies behind what has arrived: line_start_ is where its line goes on.
    if (scanned_ < line_start_) {
      size_t until = std::min(in.size(), line_start_);
      poisoned_ |= in.substr(scanned_, until - scanned_).find('\0') != Bytes::npos;
      scanned_ = until;
      if (scanned_ < line_start_) return {};
    }
    size_t end = in.find('\n', std::min(scanned_, in.size()));
    size_t until = end == Bytes::npos ? in.size() : end;
    poisoned_ |= in.substr(scanned_, until - scanned_).find('\0') != Bytes::npos;
    scanned_ = until;
    if (until >= max_bytes_) {
      reset();
      return {Status::too_big, 0, 0, false};
    }
    if (end == Bytes::npos) return {};
    Framed framed = line_end(in, end + 1);
    if (framed.status != Status::incomplete) return framed;
  }
}

// A line of the message ends before `end`. incomplete: a literal follows, go on behind it.
LiteralReader::Framed LiteralReader::line_end(Bytes in, size_t end) {
  Bytes line = without_line_end(in.substr(line_start_, end - line_start_));
  LiteralTail tail;
  tail.feed(line);
  if (!tail.found() || in_quotes(line)) {
    Framed message{Status::message, end, 0, poisoned_};
    reset();
    return message;
  }
  scanned_ = line_start_ = end;
  announced_ = tail.overflowed() ? UINT64_MAX : tail.size();
  if (tail.sync()) {
    waiting_ = true;
    return {Status::literal, end, announced_, poisoned_};
  }
  // RFC 7888 4: what follows a refused non-synchronising literal cannot be told from commands, except by reading it.
  // Up to the limit we read it (the command is then refused for its contents), above it only closing is left.
  if (announced_ > max_bytes_ - end) {
    reset();
    return {Status::too_big, 0, 0, false};
  }
  line_start_ += announced_;
  return {};
}

void LiteralReader::grant() {
  assert(waiting_ && announced_ <= max_bytes_);
  waiting_ = false;
  line_start_ += announced_;
}

void LiteralReader::reset() {
  line_start_ = scanned_ = 0;
  announced_ = 0;
  waiting_ = poisoned_ = false;
}

// Whether a quoted string is open at the end of `line` (it cannot span lines, RFC 9051 9 quoted).
bool LiteralReader::in_quotes(Bytes line) const {
  bool open = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (open && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      open = !open;
    }
  }
  return open;
}

}  // namespace postigo
