// The relay's direction from client to backend: one line, one command, one answer owed.
//
// Bytes pass as they are, with two exceptions that keep the backend's answers in step with what we expect: a verb that
// would log in again becomes an unknown one of the same length, its arguments dropped, and a blank line becomes "X".
// To both the backend itself says -ERR, in order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "parser/dialogue.h"
#include "parser/pop3/reply_queue.h"

namespace postigo::pop3 {

class ClientStream {
 public:
  explicit ClientStream(Counter* counts) : counts_(counts) {}

  FilterStep feed(Bytes in, Slices& out, ReplyQueue& owed);
  bool said_quit() const { return said_quit_; }
  uint64_t commands() const { return commands_; }

 private:
  enum class State {
    indent,  // before the verb: nothing yet, or spaces, which must not hide it
    verb,    // in the verb
    rest,    // the verb may pass, and so does the rest of the line
    cut,     // the verb was replaced: the rest of the line is dropped
  };

  // The part of the input that passes but is not yet in the slices: [from, at).
  struct Cursor {
    Bytes in;
    Slices& out;
    size_t from = 0;
    size_t at = 0;
    void flush(size_t to);
    void skip_to(size_t to) { from = at = to; }
  };

  void indent(Cursor& cursor, ReplyQueue& owed);
  void verb(Cursor& cursor);
  void decide(Cursor& cursor);
  void rest(Cursor& cursor, ReplyQueue& owed);
  void cut(Cursor& cursor, ReplyQueue& owed);
  void suspend(Cursor& cursor);
  void pass_held(Cursor& cursor);
  void end_line(Shape shape, ReplyQueue& owed);
  Bytes said() const { return {verb_.data(), verb_size_}; }

  static constexpr size_t kVerbMax = 8;  // longer than each that we know, so a longer one is none of them

  Counter* counts_;
  State state_ = State::indent;
  bool has_argument_ = false;
  bool said_quit_ = false;
  uint8_t verb_size_ = 0;
  uint8_t held_size_ = 0;              // how much of verb_ came in earlier calls and was not passed on
  std::array<char, kVerbMax> verb_{};  // as the client wrote it
  std::array<char, kVerbMax> held_{};  // what a slice points to when a held verb turns out harmless
  uint64_t commands_ = 0;
};

}  // namespace postigo::pop3
