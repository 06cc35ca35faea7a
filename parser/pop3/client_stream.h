// The relay's direction from client to backend: one line, one command, one answer owed.
//
// It takes whole lines only, so that no server acts on half of one. Lines pass as they are, but: a verb that would log
// in again, and a line that two servers could read in two ways (a control character in it, a blank before the verb,
// nothing at all), pass as an unknown verb, to which the backend says -ERR, in order; blanks at the end go, because
// they are an argument for one server and none for another; a bare LF becomes CRLF.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/pop3/reply_queue.h"
#include "parser/relay_filter.h"

namespace postigo::pop3 {

class ClientStream {
 public:
  explicit ClientStream(Counter* counts) : counts_(counts) {}

  FilterStep feed(Bytes in, Slices& out, ReplyQueue& owed);
  bool said_quit() const { return said_quit_; }
  uint64_t commands() const { return commands_; }

 private:
  // The part of the input that passes but is not yet in the slices: [from, at).
  struct Cursor {
    Bytes in;
    Slices& out;
    size_t from = 0;
    size_t at = 0;
    void flush();
    void replace(size_t size, Bytes instead);
  };

  bool take(Cursor& cursor, ReplyQueue& owed);
  void command(Cursor& cursor, const LineReader::Line& line, ReplyQueue& owed);
  void refuse(Cursor& cursor, size_t size, ReplyQueue& owed);
  void count(Bytes verb);

  Counter* counts_;
  uint64_t commands_ = 0;
  LineReader reader_{limits::kPop3RelayLineMax};
  bool swallow_ = false;  // the rest of a line that was too long, and is answered already
  bool said_quit_ = false;
};

}  // namespace postigo::pop3
