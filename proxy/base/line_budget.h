// LineBudget: so many lines (or other things) per second, for what strangers can cause. Not thread-safe; the clock is
// passed in.
#pragma once

#include <cstdint>

namespace postigo::log {

class LineBudget {
 public:
  explicit LineBudget(uint64_t per_second) : per_second_(per_second) {}

  // False: this line is one too many in its second.
  bool take(uint64_t now_ms) {
    if (uint64_t second = now_ms / 1000; second != second_) {
      second_ = second;
      taken_ = 0;
    }
    return taken_++ < per_second_;
  }

 private:
  uint64_t per_second_;
  uint64_t second_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace postigo::log
