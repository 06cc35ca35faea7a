// Health: what is believed of one backend, from what real logins and probes have met there. With a circuit breaker:
// while it is down nobody goes there but one trial at a time, which decides.
//
// Pure: no clock, no thread, no I/O; shared_health.h is the one that all threads share. Times are milliseconds of any
// monotonic clock. Signals may come late and in any order; of those about a backend that is down only its trial's count
// as failures, so that a thousand logins that began before it fell are one failure, not a thousand.
//
// For a fleet: each instance decides by what it meets itself. What others say may begin a trial, and never ends a
// backend here; a trial is a lease, so whoever takes one and is lost delays the next by its length at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postigo {

enum class HealthState : uint8_t {
  up,          // it serves
  suspect,     // it serves, but something failed lately
  down,        // it does not: nobody waits for it
  slow_start,  // it serves again, and its share grows
};
inline constexpr std::array<std::string_view, 4> kHealthStateNames = {"up", "suspect", "down", "slow_start"};
constexpr std::string_view name_of(HealthState state) { return kHealthStateNames[static_cast<size_t>(state)]; }

// How far something came, or where it failed. What failed deep is not proven good by what looks less deep.
enum class Depth : uint8_t { connect, tls, greeting, login };
inline constexpr std::array<std::string_view, 4> kDepthNames = {"connect", "tls", "greeting", "login"};
constexpr std::string_view name_of(Depth depth) { return kDepthNames[static_cast<size_t>(depth)]; }

struct HealthTerms {
  unsigned rise = 2;              // successes in a row until it serves again
  unsigned fall = 3;              // failures in a row until it does not
  uint64_t retry_min_ms = 1'000;  // from the fall to the first trial; doubles with each that fails
  uint64_t retry_max_ms = 30'000;
  uint64_t slow_start_ms = 30'000;   // 0: all of its users at once
  uint64_t silence_ms = 2'000;       // to wait for a greeting, if greetings have not been slow lately
  uint64_t silence_max_ms = 10'000;  // and if they have
  uint64_t memory_ms = 60'000;       // a failure older than this has nothing to do with the next one
};

class Health {
 public:
  using Trial = uint64_t;  // 0: none
  struct Change {
    HealthState before, now;
    std::string why;
    uint64_t lasted_ms = 0;  // the state before
  };
  // What a restart must not forget.
  struct Memory {
    Depth depth = Depth::connect;
    std::string why;
    uint64_t for_ms = 0;  // down since so long
  };

  // `seed`: for the jitter between trials.
  Health(uint64_t seed, uint64_t now_ms) : random_(seed), since_ms_(now_ms) {}

  void set_terms(const HealthTerms& terms) { terms_ = terms; }
  const HealthTerms& terms() const { return terms_; }

  // Something reached `depth` there and was good so far.
  std::optional<Change> good(uint64_t now_ms, Depth reached, Trial trial = 0);
  // Something failed at `depth`. `user`: whose login it was, as a hash; 0: nobody's. Behind the greeting it may be
  // about the user alone, so there it counts once for each.
  std::optional<Change> bad(uint64_t now_ms, Depth failed, std::string_view why, uint64_t user = 0, Trial trial = 0);
  // A trial ended without a verdict: somebody else may try.
  void dropped(Trial trial);
  // A greeting came after so long.
  void greeted(uint64_t took_ms);
  // Time alone: suspicion lapses, a slow start is over.
  std::optional<Change> tick(uint64_t now_ms);

  HealthState state() const { return state_; }
  const std::string& why() const { return why_; }
  uint64_t since_ms() const { return since_ms_; }
  Depth depth() const { return depth_; }  // of what failed
  bool calm() const { return state_ == HealthState::up && slow_greeting_ms_ == 0; }
  // Of the users who would come here, in a hundred: 0 while it is down, less than 100 in a slow start.
  unsigned share(uint64_t now_ms) const;
  // How long a greeting is waited for before its absence is a failure.
  uint64_t patience_ms() const;

  // REQUIRES: state() == down. None: it is not time, or somebody else is at it. Who has one reports good(), bad() or
  // dropped() with it within `lease_ms`; later it is lost.
  std::optional<Trial> try_out(uint64_t now_ms, uint64_t lease_ms);
  bool trial_due(uint64_t now_ms) const;

  std::optional<Memory> memory(uint64_t now_ms) const;  // if there is something not to be forgotten
  Change remember(const Memory& memory, uint64_t now_ms);

 private:
  Change enter(HealthState state, uint64_t now_ms, std::string_view why);
  std::optional<Change> fall(uint64_t now_ms, std::string_view why);
  std::optional<Change> rise(uint64_t now_ms);
  bool counts(Depth failed, uint64_t user);
  void forget_failures();
  uint64_t backoff_ms();
  uint64_t random();

  HealthTerms terms_;
  uint64_t random_;
  HealthState state_ = HealthState::up;
  uint64_t since_ms_;
  std::string why_;
  unsigned failures_ = 0;  // in a row
  uint64_t failed_ms_ = 0;
  Depth depth_ = Depth::connect;  // the deepest of them
  std::vector<uint64_t> blamed_;  // users whose failure was counted
  unsigned goods_ = 0;            // in a row, while it is down
  unsigned tries_ = 0;            // trials that failed, and falls during a slow start
  uint64_t retry_ms_ = 0;         // no trial before
  Trial trial_ = 0;               // under way
  uint64_t lease_end_ms_ = 0;
  Trial trials_ = 0;
  uint64_t slow_greeting_ms_ = 0;  // 0: greetings come in time
};

}  // namespace postigo
