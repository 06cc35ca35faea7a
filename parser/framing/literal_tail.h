// LiteralTail: does this line end in a literal announcement, "{n}" or "{n+}" (RFC 9051 4.3, RFC 7888)?
//
// Fed the octets of one line in any chunking, without LF. Looks at the last few octets only, so that feeding a long
// line costs nothing. It does not know about quotes: who needs that, checks it (LiteralReader), or needs not to know
// (the relay filter, for what it does not let pass).
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/bytes.h"

namespace postigo {

class LiteralTail {
 public:
  void reset() { *this = LiteralTail(); }
  void feed(Bytes octets);

  // Ask at the line's LF.
  bool found() const { return state_ == State::close || state_ == State::close_cr; }
  bool sync() const { return !plus_; }
  uint64_t size() const { return size_; }
  bool overflowed() const { return digits_ > kDigitsMax; }  // found, but no size that anybody could mean

 private:
  enum class State : uint8_t { none, open, number, plus, close, close_cr };
  static constexpr size_t kDigitsMax = 18;   // below 2^63
  static constexpr size_t kPatternMax = 64;  // more digits than that are no literal for anybody

  void feed_one(char c);

  uint64_t size_ = 0;
  uint8_t digits_ = 0;
  State state_ = State::none;
  bool plus_ = false;
};

}  // namespace postigo
