// Cursor: one pass of a relay stream over an input, and what of it has gone into the slices.
#pragma once

#include <cstddef>

#include "parser/base/bytes.h"
#include "parser/relay_filter.h"

namespace postigo::imap {

// [run, at) will pass, with its part from `mark` on still undecided.
struct Cursor {
  Bytes in;
  Slices& out;
  size_t at = 0;
  size_t run = 0;
  size_t mark = 0;

  bool more() const { return at < in.size(); }
  char peek() const { return in[at]; }
  Bytes rest() const { return in.substr(at); }
  bool room() const { return out.all().size() + 6 <= Slices::kMax; }  // for what one step may add, and the last run

  void pass_until(size_t end) {
    out.add(in.substr(run, end - run));
    run = end;
  }
  void flush() { pass_until(at); }
  // Takes octets that do not pass.
  void skip(size_t count) {
    flush();
    at += count;
    run = mark = at;
  }
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
