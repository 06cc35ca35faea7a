// Counter: one writer, any number of readers, no locked instruction.
//
// The owner (a worker, or a filter on its behalf) increments with a relaxed load and store; the scraper reads whenever
// it likes and sees a value that was true a moment ago.
#pragma once

#include <atomic>
#include <cstdint>

namespace postigo {

class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void inc() { add(1); }
  void dec() { value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace postigo
