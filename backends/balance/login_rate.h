// LoginRate: how many logins may begin at a backend in a second, over all workers. As many as one second brings may
// begin at once; then they come evenly.
//
// Pure: time is passed in, of a clock that never goes back. Any thread, no lock. For a fleet each door takes its part
// of the rate; a door that dies takes its part along until the next one is told.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace postigo {

class LoginRate {
 public:
  // One more, if that leaves one for each of the `ahead` who came before. REQUIRES: per_s > 0.
  bool take(uint64_t per_s, uint64_t ahead, uint64_t now_ms) { return ask(per_s, ahead, now_ms, true); }
  // Whether that would do.
  bool has(uint64_t per_s, uint64_t ahead, uint64_t now_ms) { return ask(per_s, ahead, now_ms, false); }

 private:
  bool ask(uint64_t per_s, uint64_t ahead, uint64_t now_ms, bool take) {
    constexpr uint64_t kSecondUs = 1'000'000;
    const uint64_t now_us = now_ms * 1000;
    const uint64_t each_us = std::max<uint64_t>(kSecondUs / per_s, 1);
    uint64_t spent = spent_until_us_.load(std::memory_order_relaxed);
    while (true) {
      const uint64_t next = std::max(spent, now_us) + each_us;
      if (next + ahead * each_us > now_us + std::max(kSecondUs, each_us)) return false;
      if (!take || spent_until_us_.compare_exchange_weak(spent, next, std::memory_order_relaxed)) return true;
    }
  }

  std::atomic<uint64_t> spent_until_us_{0};  // then it is whole again
};

}  // namespace postigo
