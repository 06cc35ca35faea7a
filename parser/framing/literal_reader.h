// LiteralReader: cuts an IMAP command off the front of a buffer: lines and literals together, one bounded message.
//
// Boundaries first, meaning second: they survive any garbage, so that literal data is never taken for a command, and
// memory is bounded in this one place. Same re-offering contract as LineReader. The whole message stays in the caller's
// buffer until it is complete (RFC 9051 2.2.1, 4.3; RFC 7888).
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/bytes.h"
#include "parser/framing/literal_tail.h"

namespace postigo {

class LiteralReader {
 public:
  enum class Status {
    incomplete,
    literal,  // a synchronising literal is announced: answer with grant(), or refuse it by reset()
    message,  // complete; the reader is ready for the next one
    too_big,  // more than the limit, or a non-synchronising literal that would make it so; framing is lost
  };
  struct Framed {
    Status status = Status::incomplete;
    size_t size = 0;            // message: octets with the last line end; literal: octets up to the announcing line end
    uint64_t literal_size = 0;  // literal only
    bool poisoned = false;      // a NUL somewhere: framed, but not to be decoded (RFC 9051 9 note 3; T7, A11)
  };

  explicit LiteralReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  Framed next(Bytes in);
  void grant();  // REQUIRES: next() said literal, of at most the limit; the octets follow
  void reset();  // forget the message: the next octets offered begin a new one

 private:
  Framed line_end(Bytes in, size_t end);
  bool in_quotes(Bytes line) const;

  size_t max_bytes_;
  size_t line_start_ = 0;  // of the line that is being scanned, behind the last literal
  size_t scanned_ = 0;
  uint64_t announced_ = 0;
  bool waiting_ = false;  // for grant()
  bool poisoned_ = false;
};

}  // namespace postigo
