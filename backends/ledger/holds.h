// Holds: users whose logins wait while their mailbox is moved (T65), each for a bounded time; and how many logins wait.
//
// Written by the control thread, asked by every login: which costs nothing while there is none. Any thread.
//
// For a fleet: each door asks its own copy, which is written by hold() and release() from what a shared engine tells. A
// hold is a lease that all doors have confirmed before the move begins, and that has ended by itself where a door
// cannot hear of its end; a door that cannot confirm is not moved around: the move fails. Who has lost the lease may
// not move.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "backends/balance/siphash.h"
#include "backends/ledger/counted_seat.h"
#include "backends/ledger/striped.h"

namespace postigo {

class Holds {
 public:
  static constexpr size_t kUsersMax = 100'000;
  static constexpr int64_t kWaitingMax = 10'000;  // logins, over all users

  // A login that waits; gives its seat back when it goes.
  using Seat = CountedSeat;

  explicit Holds(SipKey key) : table_(kUsersMax, key) {}

  // Who holds him: neither shortens nor ends what another one holds.
  enum class By : uint8_t { operators, mover, login };
  using Until = std::array<uint64_t, 3>;  // for each of them; 0: not

  bool hold(Bytes user, By by, uint64_t until_ms);  // again: until then instead. False: there are too many
  bool release(Bytes user, By by);                  // false: there was none
  bool held(Bytes user, uint64_t now_ms) const;
  Seat wait() { return Seat::take(waiting_, kWaitingMax); }  // empty: too many wait already
  // All of now. Those whose time is over are forgotten on the way.
  void visit(uint64_t now_ms, const std::function<void(Bytes user, const Until& until_ms)>& what);
  size_t size() const { return table_.size(); }
  int64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  static uint64_t last(const Until& until) { return *std::max_element(until.begin(), until.end()); }

  Striped<Until> table_;
  std::atomic<int64_t> waiting_{0};
};

}  // namespace postigo
