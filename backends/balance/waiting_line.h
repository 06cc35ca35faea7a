// WaitingLine: who waits for room at a backend, first come, first served, over all workers. Who waits asks again and
// again; how many came before him tells him whether what is free is for him.
//
// Any thread; a short lock while somebody waits, one load while nobody does. Bounded by whoever joins. For a fleet each
// door keeps its own line for its part of the room (a lease of so many places, given back when it lapses); there is no
// common order then, and none is worth a round trip for each turn.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace postigo {

class WaitingLine {
 public:
  // A place in the line; leaves it when it goes. The line outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : line_(std::exchange(other.line_, nullptr)), number_(other.number_) {}
    Place& operator=(Place&& other) noexcept {
      release();
      line_ = std::exchange(other.line_, nullptr);
      number_ = other.number_;
      return *this;
    }
    ~Place() { release(); }
    explicit operator bool() const { return line_ != nullptr; }
    bool of(const WaitingLine& line) const { return line_ == &line; }
    size_t ahead() const { return line_->ahead(number_); }  // REQUIRES: it is one
    void release() {
      if (line_ != nullptr) std::exchange(line_, nullptr)->leave(number_);
    }

   private:
    friend class WaitingLine;
    Place(WaitingLine& line, uint64_t number) : line_(&line), number_(number) {}
    WaitingLine* line_ = nullptr;
    uint64_t number_ = 0;
  };

  // Behind all others. None: `max` wait already.
  Place join(size_t max) {
    std::lock_guard lock(mutex_);
    if (numbers_.size() >= max) return {};
    numbers_.push_back(next_++);
    size_.store(numbers_.size(), std::memory_order_relaxed);
    return {*this, numbers_.back()};
  }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  size_t ahead(uint64_t number) const {
    std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::lower_bound(numbers_.begin(), numbers_.end(), number) - numbers_.begin());
  }
  void leave(uint64_t number) {
    std::lock_guard lock(mutex_);
    numbers_.erase(std::lower_bound(numbers_.begin(), numbers_.end(), number));
    size_.store(numbers_.size(), std::memory_order_relaxed);
  }

  mutable std::mutex mutex_;
  std::vector<uint64_t> numbers_;  // growing
  uint64_t next_ = 1;
  std::atomic<size_t> size_{0};
};

}  // namespace postigo
