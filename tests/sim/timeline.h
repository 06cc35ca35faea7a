// Timeline: what happens when, on a clock that jumps from one event to the next.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace postigo::sim {

class Timeline {
 public:
  uint64_t now_ms() const { return now_ms_; }
  void at(uint64_t ms, std::function<void()> what) { events_.push({ms, ++count_, std::move(what)}); }
  void in(uint64_t ms, std::function<void()> what) { at(now_ms_ + ms, std::move(what)); }
  void clear() { events_ = {}; }
  bool step() {  // false: nothing is left
    if (events_.empty()) return false;
    Event next = events_.top();
    events_.pop();
    now_ms_ = next.ms;
    next.what();
    return true;
  }

 private:
  struct Event {
    uint64_t ms, number;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::pair(other.ms, other.number) < std::pair(ms, number); }
  };
  std::priority_queue<Event> events_;
  uint64_t now_ms_ = 1'000'000;
  uint64_t count_ = 0;
};

}  // namespace postigo::sim
