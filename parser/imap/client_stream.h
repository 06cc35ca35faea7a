// ClientStream: the client's direction of the relay filter (filter.h says what it is for).
//
// It takes whole lines only: what has not reached its line end stays with the caller, so no server can act on half a
// line (T68), and none waits for a line's end while we wait for its answer (T69). A line passes as it came, but:
//  - a verb that must not reach the backend, and a line that two servers could read in two ways, pass as an unknown
//    verb under the client's tag; a line without a tag passes as one that every server answers with "* BAD";
//  - a line that asks the backend for a word passes under an alias, when no other question is open;
//  - "{n+}" passes as "{n}", unless the whole command is harmless in every reading;
//  - a bare LF becomes CRLF.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/counter.h"
#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/both_ways.h"
#include "parser/imap/command_line.h"
#include "parser/imap/cursor.h"
#include "parser/imap/exchange.h"
#include "parser/relay_filter.h"

namespace postigo::imap {

class ClientStream {
 public:
  // `both` outlives the stream. literal_plus: the backend takes "{n+}" of up to 4096 octets (RFC 7888).
  ClientStream(BothWays& both, bool literal_plus) : both_(both), literal_plus_(literal_plus) {}

  FilterStep feed(Bytes in, Slices& out);
  // See RelayFilter.
  uint32_t patience_ms() const;
  std::string_view give_up();

  bool said_logout() const { return said_logout_; }
  uint64_t commands() const { return commands_; }

 private:
  enum class State : uint8_t {
    line,             // a command's first
    awaited,          // a literal was announced; the backend has not answered
    literal,          // passes by count
    rest,             // a command's line behind a literal
    swallow_line,     // the rest of a command that the backend will not see
    swallow_literal,  // by count
  };
  enum class Action : uint8_t { go_on, more, blocked, broken };

  static constexpr Bytes kUnknown = " X\r\n";  // behind a tag, or behind a literal: no server knows it

  Action step(Cursor& cursor);
  LineReader::Status take_line(const Cursor& cursor, Bytes& line);
  Action at_line(Cursor& cursor);
  Action at_command(Cursor& cursor, Bytes line, const CommandLine& said);
  Action at_whole(Cursor& cursor, Bytes line, const CommandLine& said);
  Action ask(Cursor& cursor, Bytes line, const CommandLine& said, Exchange::Ask what);
  Action at_awaited();
  void at_literal(Cursor& cursor);
  Action at_rest(Cursor& cursor);
  Action refuse_rest(Cursor& cursor, Bytes instead);
  Action at_swallow(Cursor& cursor);

  Action refuse(Cursor& cursor, const CommandLine& said);
  void pass_line(Cursor& cursor, Bytes line);
  void pass_announcement(Cursor& cursor, Bytes line, const Announcement& announced);
  size_t pass_alias(Cursor& cursor, Bytes tag);
  bool needs_alias(Bytes tag) const;
  bool may_pass(const CommandLine& said) const;
  void swallow();
  void new_line() { state_ = State::line; }
  void count(Bytes verb);

  BothWays& both_;
  uint64_t left_ = 0;   // of a literal
  uint64_t alias_ = 0;  // the last one: of the command that has literals, while it has them
  uint64_t commands_ = 0;
  LineReader reader_{limits::kRelayLineMax};
  LiteralTail tail_;  // of the line that is swallowed
  Arguments arguments_;
  State state_ = State::line;
  Action last_ = Action::go_on;
  bool hidden_ = false;  // the literal is one for which the client does not wait
  bool whole_ = false;   // waits for the rest of a whole command
  bool impatient_ = false;
  bool probe_ = false;  // a command of ours goes out next
  bool said_logout_ = false;
  const bool literal_plus_;
};

}  // namespace postigo::imap
