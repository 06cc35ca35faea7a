// MemoryCeiling: what the process holds for its sessions stays below a bound, also while it is attacked.
//
// Counted are buffers, what is held before login, and a lump for each session. Workers report what has changed a few
// times a second; anybody may look at any time, for the price of a load. What is done about it is theirs: when it is
// `tight`, relays read no more than their peers take and strangers may hold little; when it is `over`, new connections
// are told to come again.
#pragma once

#include <atomic>
#include <cstdint>

namespace postigo {

class MemoryCeiling {
 public:
  // Of a session that does nothing: TLS, session, sockets.
  static constexpr int64_t kSession = 6 * 1024;

  enum class Level : uint8_t { calm, tight, over };

  // 0: no bound. May be called again while workers run.
  void set_limit(uint64_t octets) { limit_.store(static_cast<int64_t>(octets), std::memory_order_relaxed); }
  uint64_t limit() const { return static_cast<uint64_t>(limit_.load(std::memory_order_relaxed)); }
  void change(int64_t octets) { held_.fetch_add(octets, std::memory_order_relaxed); }
  uint64_t held() const;

  Level level() const;

 private:
  std::atomic<int64_t> held_{0}, limit_{0};
};

// What a process may have: the machine's memory, or that of its control group if it is less.
uint64_t memory_of_machine();

}  // namespace postigo
