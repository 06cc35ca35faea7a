// DrainPlan: so many sessions are to go over so long a time: when is each of them due? Evenly, the last one at the end.
//
// A value without a clock: times are whatever the caller counts in. Each session gets a moment of its own, so one that
// ends before it leaves a gap, and the others keep theirs.
#pragma once

#include <cstdint>

namespace postigo {

class DrainPlan {
 public:
  DrainPlan(uint64_t sessions, uint64_t now_ms, uint64_t over_ms)
      : sessions_(sessions), begun_ms_(now_ms), over_ms_(over_ms) {}

  // For the next session. Those beyond the number that was told go with the last.
  uint64_t next_ms() {
    if (given_ < sessions_) ++given_;
    return begun_ms_ + (sessions_ == 0 ? over_ms_ : over_ms_ * given_ / sessions_);
  }

 private:
  uint64_t sessions_, begun_ms_, over_ms_;
  uint64_t given_ = 0;
};

}  // namespace postigo
