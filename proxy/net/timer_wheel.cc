// A hashed wheel: slot = due tick modulo its size. Not a hierarchical one: an idle session is looked at once per turn
// of the wheel (51 s), which is nothing beside its keep-alives.
#include "proxy/net/timer_wheel.h"

#include <algorithm>
#include <utility>

namespace postigo {

TimerWheel::TimerWheel(uv_loop_t* loop, std::function<void(uint64_t)> lag)
    : loop_(loop), lag_(std::move(lag)), start_ms_(uv_now(loop)) {
  uv_timer_init(loop, &handle_);
  handle_.data = this;
  uv_timer_start(
      &handle_, [](uv_timer_t* handle) { static_cast<TimerWheel*>(handle->data)->tick(); }, kTickMs, kTickMs);
}

void TimerWheel::arm(Timer& timer, uint64_t delay_ms) {
  uint64_t due_ms = uv_now(loop_) - start_ms_ + delay_ms;
  timer.due_tick_ = std::max(done_tick_ + 1, (due_ms + kTickMs - 1) / kTickMs);
  slots_[timer.due_tick_ % kSlots].push_back(timer);
}

void TimerWheel::tick() {
  uint64_t now_ms = uv_now(loop_) - start_ms_;
  uint64_t now_tick = now_ms / kTickMs;
  uint64_t expected_ms = std::exchange(last_ms_, now_ms) + kTickMs;  // libuv counts from the last time it fired
  if (lag_) lag_(now_ms > expected_ms ? now_ms - expected_ms : 0);
  uint64_t steps = std::min<uint64_t>(now_tick - done_tick_, kSlots);
  uint64_t first = now_tick - steps + 1;
  done_tick_ = now_tick;

  List<Timer, TimerTag> due;
  for (uint64_t tick = first; tick <= now_tick; ++tick) {
    slots_[tick % kSlots].for_each([&](Timer& timer) {
      if (timer.due_tick_ <= now_tick) due.push_back(timer);
    });
  }
  // One at a time from the list: a timer that fires may cancel any other.
  while (!due.empty()) {
    Timer& timer = due.pop_front();
    timer.fire_(timer.context_);
  }
}

void TimerWheel::close() { uv_close(reinterpret_cast<uv_handle_t*>(&handle_), nullptr); }

}  // namespace postigo
