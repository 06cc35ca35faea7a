// Departures: when very many lose their backend in one moment, each of them is let go at a moment of his own, so that
// they do not all come back at once. Who leaves alone leaves at once.
//
// A bucket that leaks as fast as all who are there could go within the time. Any thread: an atomic. Times are
// milliseconds of any monotonic clock.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace postigo {

class Departures {
 public:
  static constexpr uint64_t kFew = 32;  // of so many nobody waits

  // For the next who goes, of `there` who are there: when. At most `over_ms` from now.
  uint64_t next_ms(uint64_t now_ms, uint64_t there, uint64_t over_ms) {
    if (over_ms == 0 || there <= kFew) return now_ms;
    const uint64_t now_us = now_ms * 1000, over_us = over_ms * 1000, each_us = over_us / there;
    uint64_t taken = next_us_.load(std::memory_order_relaxed), at;
    do {
      at = std::clamp(taken, now_us, now_us + over_us);
    } while (!next_us_.compare_exchange_weak(taken, at + each_us, std::memory_order_relaxed));
    return at / 1000;
  }

 private:
  std::atomic<uint64_t> next_us_{0};  // nobody goes before
};

}  // namespace postigo
