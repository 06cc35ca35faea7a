// For fuzz targets: the input in pieces whose sizes follow from a seed, so that a run can be repeated and compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace postigo::fuzz {

class Decisions {
 public:
  explicit Decisions(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t below(uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % bound;
  }
  bool yes() { return below(2) == 0; }
  // 0 stands for "all at once".
  size_t chunk(size_t style) {
    if (style == 0) return SIZE_MAX;
    return style == 1 ? 1 : static_cast<size_t>(below(style)) + 1;
  }

 private:
  uint64_t state_;
};

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "oracle failed: %s\n", what);
  std::abort();
}

}  // namespace postigo::fuzz
