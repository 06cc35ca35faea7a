// CountedSeat: one place among so many, held by whoever has it; the count is an atomic that all threads share.
//
// Move-only; gives its place back when it goes. The count outlives it. Any thread, one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace postigo {

class CountedSeat {
 public:
  CountedSeat() = default;
  // None if `max` are taken. `before`: how many were, in the order in which all threads asked.
  static CountedSeat take(std::atomic<int64_t>& taken, int64_t max) {
    int64_t before = 0;
    return take(taken, max, before);
  }
  static CountedSeat take(std::atomic<int64_t>& taken, int64_t max, int64_t& before) {
    before = taken.fetch_add(1, std::memory_order_acquire);
    if (before < max) return CountedSeat(taken);
    taken.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  CountedSeat(CountedSeat&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  CountedSeat& operator=(CountedSeat&& other) noexcept {
    release();
    taken_ = std::exchange(other.taken_, nullptr);
    return *this;
  }
  ~CountedSeat() { release(); }
  explicit operator bool() const { return taken_ != nullptr; }
  void release() {
    if (taken_ != nullptr) taken_->fetch_sub(1, std::memory_order_release);  // behind what was counted in its place
    taken_ = nullptr;
  }

 private:
  explicit CountedSeat(std::atomic<int64_t>& taken) : taken_(&taken) {}

  std::atomic<int64_t>* taken_ = nullptr;
};

}  // namespace postigo
