// Load: when users log in: all the time, some again and again, and now and then very many at once.
#pragma once

#include "tests/sim/logins.h"

namespace postigo::sim {

class Load {
 public:
  Load(Story& story, Logins& logins) : story_(story), logins_(logins) {}

  void schedule() {
    const uint64_t length_ms = story_.length_ms();
    const size_t storms = story_.scale.logins / 2'000 + 1, of_storm = story_.scale.logins / 10 / storms;
    for (size_t storm = 0; storm < storms; ++storm) {
      const uint64_t at_ms = story_.roll(length_ms);
      for (size_t i = 0; i < of_storm; ++i) come(at_ms + story_.roll(3'000), 1);
    }
    for (size_t left = story_.scale.logins - storms * of_storm; left > 0;) {
      const uint64_t times = std::min<uint64_t>(left, story_.one_in(5) ? 1 + story_.roll(4) : 1);
      come(story_.roll(length_ms), times);
      left -= times;
    }
  }

 private:
  // A few of all users come often, and at several devices at once.
  void come(uint64_t in_ms, uint64_t times) {
    const size_t user = story_.one_in(4) ? story_.roll(1 + story_.scale.users / 50) : story_.roll(story_.scale.users);
    for (uint64_t i = 0; i < times; ++i) {
      story_.time.in(in_ms + story_.roll(30), [this, user] { logins_.log_in(user); });
    }
  }

  Story& story_;
  Logins& logins_;
};

}  // namespace postigo::sim
