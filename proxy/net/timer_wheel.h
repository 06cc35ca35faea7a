// TimerWheel: one uv timer for all deadlines of a worker.
//
// Single thread. A Timer is a member of whoever waits; destroying or cancelling it is O(1). Precision is one tick: a
// timer fires on the first tick at or after its deadline, never early.
#pragma once

#include <uv.h>

#include <array>
#include <cstdint>
#include <functional>

#include "proxy/base/list.h"

namespace postigo {

struct TimerTag {};

class Timer : public ListNode<TimerTag> {
 public:
  // What to do is given once; when, by TimerWheel::arm.
  explicit Timer(void (*fire)(void*), void* context) : fire_(fire), context_(context) {}
  bool armed() const { return linked(); }
  void cancel() { unlink(); }

 private:
  friend class TimerWheel;
  void (*fire_)(void*);
  void* context_;
  uint64_t due_tick_ = 0;
};

class TimerWheel {
 public:
  static constexpr uint64_t kTickMs = 50;

  // `lag_ms` is told after each tick how late the loop was.
  TimerWheel(uv_loop_t* loop, std::function<void(uint64_t lag_ms)> lag);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void arm(Timer& timer, uint64_t delay_ms);  // re-arms if armed
  void close();                               // the memory must outlive the loop's next turn

 private:
  static constexpr size_t kSlots = 1024;  // a turn of the wheel is 51 s; longer deadlines are passed over until due
  void tick();

  uv_loop_t* loop_;
  uv_timer_t handle_;
  std::function<void(uint64_t)> lag_;
  std::array<List<Timer, TimerTag>, kSlots> slots_;
  uint64_t start_ms_;
  uint64_t last_ms_ = 0;    // since the start, of the last tick
  uint64_t done_tick_ = 0;  // all timers due at or before it have fired
};

}  // namespace postigo
