// LineReader: finds the first line in a buffer that the caller owns and re-offers until it is complete.
//
// Contract: the caller offers the same octets again with more behind them until next() says `line` or `too_long`;
// what was scanned once is not scanned again, so a line that arrives octet by octet costs linear time.
// A line ends with LF; one CR before it belongs to the line end (bare LF is accepted, T13).
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/bytes.h"

namespace postigo {

class LineReader {
 public:
  enum class Status { incomplete, line, too_long };
  struct Line {
    Status status = Status::incomplete;
    Bytes text;           // status line: without the line end; points into the offered buffer
    size_t consumed = 0;  // status line: octets with the line end
  };

  // `max_bytes` bounds a line with its line end. REQUIRES: below 4 GiB.
  explicit LineReader(size_t max_bytes) : max_bytes_(static_cast<uint32_t>(max_bytes)) {}

  Line next(Bytes in);
  void reset() { scanned_ = 0; }  // the next octets offered are new ones

 private:
  uint32_t max_bytes_;
  uint32_t scanned_ = 0;
};

// Without one trailing LF, or CR LF.
Bytes without_line_end(Bytes line);

}  // namespace postigo
