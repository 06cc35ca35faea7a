// SlotTable: counters by slot, at addresses that never change.
//
// One thread adds slots (the control thread); one writes what is in them (a worker, which hears of a slot through its
// mailbox after it was added); any thread reads. Nothing is ever taken away.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

namespace postigo {

template <typename T>
class SlotTable {
 public:
  static constexpr size_t kBlock = 32;
  static constexpr size_t kSlotsMax = 32 * 1024;

  SlotTable() = default;
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;
  ~SlotTable() {
    for (auto& block : blocks_) delete block.load();
  }

  // Makes room for slots below `count`. REQUIRES: count <= kSlotsMax.
  void grow(size_t count) {
    for (size_t i = 0; i * kBlock < count; ++i) {
      if (blocks_[i].load(std::memory_order_relaxed) == nullptr) {
        blocks_[i].store(new Block(), std::memory_order_release);
      }
    }
  }
  // REQUIRES: grow(more than `slot`) has returned.
  T& operator[](size_t slot) { return (*blocks_[slot / kBlock].load(std::memory_order_acquire))[slot % kBlock]; }
  const T& operator[](size_t slot) const {
    return (*blocks_[slot / kBlock].load(std::memory_order_acquire))[slot % kBlock];
  }

 private:
  using Block = std::array<T, kBlock>;
  std::array<std::atomic<Block*>, kSlotsMax / kBlock> blocks_{};
};

}  // namespace postigo
