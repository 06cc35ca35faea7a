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
#include "parser/dialogue.h"

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

// One pass over an input: [run, at) will pass, with its part from `mark` on still undecided.
struct Cursor {
  Bytes in;
  Slices& out;
  size_t at = 0;
  size_t run = 0;
  size_t mark = 0;

  bool more() const { return at < in.size(); }
  char peek() const { return in[at]; }
  bool room() const { return out.all().size() + 5 <= Slices::kMax; }  // for what one step may add, and the last run

  void pass_until(size_t end) {
    out.add(in.substr(run, end - run));
    run = end;
  }
  void flush() { pass_until(at); }
  // Lets what is undecided go nowhere.
  void drop_marked() {
    pass_until(mark);
    run = mark = at;
  }
  // Adds octets of the filter's own behind what has passed.
  void insert(Bytes octets) {
    flush();
    out.add(octets);
    mark = at;
  }
};

}  // namespace postigo::imap
