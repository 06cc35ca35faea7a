// Held: the few octets of an undecided token that were taken from an input which is gone, when a chunk ended inside it.
//
// Two halves take turns: what release() returned stays valid while the next token is already being kept, that is until
// the second release after it. N bounds a token; the caller decides before it grows longer.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "parser/base/bytes.h"
#include "parser/base/copies.h"

namespace postigo::imap {

template <size_t N>
class Held {
 public:
  void keep(Bytes octets) {
    assert(size_ + octets.size() <= N);
    count_copy(Copy::token, octets.size());
    for (char c : octets) halves_[which_][size_++] = c;
  }
  Bytes view() const { return {halves_[which_].data(), size_}; }
  size_t size() const { return size_; }
  void drop() { size_ = 0; }
  Bytes release() {
    Bytes released = view();
    if (size_ != 0) which_ ^= 1;
    size_ = 0;
    return released;
  }

 private:
  std::array<std::array<char, N>, 2> halves_;
  uint8_t which_ = 0;
  uint8_t size_ = 0;
  static_assert(N < 256);
};

}  // namespace postigo::imap
