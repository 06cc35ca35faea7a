// ReadyPlan: how many connections to one backend a worker keeps ready for logins: what comes in the time that it takes
// to make one, twice; one where logins are rare; none where nobody came for a while, or where they do not last.
//
// Pure: time is passed in, of a clock that never goes back. One thread. For a fleet: each door plans for the logins
// that it gets itself, and nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>

namespace postigo {

class ReadyPlan {
 public:
  struct Terms {
    uint64_t max = 0;
    uint64_t idle_ms = 0;  // without a login for so long none is wanted
  };

  void login(uint64_t now_ms);
  void made(uint64_t took_ms);
  void proved() { pause_ms_ = 0; }  // one was of use, or has lasted its time
  void failed(uint64_t now_ms);     // one could not be made, or ended too soon

  size_t wanted(const Terms& terms, uint64_t now_ms) const;
  bool may_begin(uint64_t now_ms) const { return now_ms >= rests_until_ms_; }

 private:
  static constexpr uint64_t kWindowMs = 4'000;
  double per_ms(uint64_t now_ms) const;

  uint64_t last_login_ms_ = 0;
  uint64_t window_ms_ = 0;  // when the one of now began
  uint64_t logins_ = 0;     // in it
  uint64_t before_ = 0;     // in the one before
  uint64_t took_ms_ = 0;    // lately
  uint64_t pause_ms_ = 0;
  uint64_t rests_until_ms_ = 0;
  bool came_ = false;
};

}  // namespace postigo
