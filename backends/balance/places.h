// Places: how many logins may be under way at each backend, so that one that hangs does not take the sessions of all,
// and so that a backend is not overrun by all who come back after a restart of ours: then it is few at first, and one
// more with each that succeeds.
//
// The logins themselves are counted in Occupancy. Shared by all workers; any thread. Touched once per login and once
// per relay.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "backends/balance/occupancy.h"
#include "backends/ledger/counted_seat.h"
#include "config/config.h"

namespace postigo {

class Places {
 public:
  // One login under way; gives its place back when it goes.
  using Seat = CountedSeat;

  // `configured`: for each backend; 0: see limit(). `start`: right after the start. May be called again while workers
  // run.
  void open(int64_t sessions_max, uint64_t configured, uint64_t start = kNoRamp);

  Seat take(Occupancy& backend) const;  // none: the backend's places are taken
  bool has_place(const Occupancy& backend) const {
    return backend.logins.load(std::memory_order_relaxed) < most_logins(backend);
  }
  // Room for one more login there, as its [[backend]] says; `ahead`: so many came before and wait.
  enum class Lack : uint8_t { nothing, logins, sessions, rate };
  struct Room {
    Seat seat;
    Lack lack = Lack::nothing;
  };
  Room ask(Occupancy& backend, const config::Backend& terms, size_t ahead, uint64_t now_ms) const;
  bool has_room(Occupancy& backend, const config::Backend& terms, uint64_t now_ms) const;  // for one who comes now
  // Whether it will soon have more of them than now: to wait a little may be worth it.
  bool grows(const Occupancy& backend) const { return first_places(backend) < limit(); }
  void succeeded(Occupancy& backend) const {  // a login there
    if (grows(backend)) backend.ramp.fetch_add(1, std::memory_order_relaxed);
  }
  // A connection that is, or will be, ready for a login.
  struct ReadySeat {
    Seat backend, all;
    explicit operator bool() const { return backend && all; }
  };
  // One of `max` for its backend and protocol; those of all backends have their limit, too. None: there is no room.
  ReadySeat take_ready(Occupancy& backend, size_t protocol, uint64_t max);
  void set_ready_max(int64_t ready_max) { ready_max_ = ready_max; }
  int64_t ready_max() const { return ready_max_.load(std::memory_order_relaxed); }

  // As configured, or half of the sessions that no relay holds: whatever hangs, the other half can log in elsewhere.
  int64_t limit() const;

  void relay_began() { relays_.fetch_add(1, std::memory_order_relaxed); }
  void relay_ended() { relays_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  int64_t most_logins(const Occupancy& backend) const { return std::min(limit(), first_places(backend)); }
  static constexpr uint64_t kNoRamp = INT64_MAX / 2;
  int64_t first_places(const Occupancy& backend) const {
    return start_.load(std::memory_order_relaxed) + backend.ramp.load(std::memory_order_relaxed);
  }

  std::atomic<int64_t> start_{kNoRamp};
  std::atomic<int64_t> relays_{0};
  std::atomic<int64_t> sessions_max_{0};
  std::atomic<int64_t> configured_{0};
  std::atomic<int64_t> ready_{0};
  std::atomic<int64_t> ready_max_{0};
};

}  // namespace postigo
