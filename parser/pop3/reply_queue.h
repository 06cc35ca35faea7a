// Which answers a backend still owes, in order: what makes the N-th reply a listing or a single line.
//
// Two bits per command and a fixed bound, so that a client that pipelines for ever costs 24 octets.
#pragma once

#include <cassert>
#include <cstdint>

namespace postigo::pop3 {

// The shape of a positive answer. "-ERR" is one line, always (RFC 1939 3).
enum class Shape : unsigned {
  single,
  listing,  // up to a line with a lone dot
  capa,     // a listing that we rewrite, or make if the backend has none
  capa_of,  // the same of a CAPA with an argument, which a backend may refuse
};

class ReplyQueue {
 public:
  static constexpr unsigned kMax = 64;

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == kMax; }

  // REQUIRES: !full()
  void push(Shape shape) {
    assert(!full());
    auto bits = static_cast<unsigned>(shape);
    unsigned at = (first_ + count_++) % kMax;
    set(low_, at, bits & 1);
    set(high_, at, bits >> 1);
  }

  // REQUIRES: !empty()
  Shape pop() {
    assert(!empty());
    auto bits = static_cast<unsigned>((low_ >> first_ & 1) | (high_ >> first_ & 1) << 1);
    first_ = (first_ + 1) % kMax;
    --count_;
    return static_cast<Shape>(bits);
  }

 private:
  static void set(uint64_t& plane, unsigned at, unsigned bit) {
    plane = (plane & ~(uint64_t{1} << at)) | uint64_t{bit} << at;
  }

  uint64_t low_ = 0;
  uint64_t high_ = 0;
  unsigned first_ = 0;
  unsigned count_ = 0;
};

}  // namespace postigo::pop3
