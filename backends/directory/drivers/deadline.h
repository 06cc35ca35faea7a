// Deadline: until when a server may take its time, however it spends it. For threads that may block.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>

namespace postigo {

// For threads that have no Env.
inline uint64_t steady_ms() {
  using namespace std::chrono;
  return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(uint64_t ms) : end_(Clock::now() + std::chrono::milliseconds(ms)) {}

  bool passed() const { return Clock::now() >= end_; }

  // Until the descriptor is ready for one of poll()'s events. False: the deadline has passed first.
  bool wait(int descriptor, short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
      if (left <= 0) return false;
      pollfd watched{descriptor, events, 0};
      if (poll(&watched, 1, static_cast<int>(left)) > 0) return true;
    }
  }

 private:
  Clock::time_point end_;
};

// For connecting; and for an answer: a little longer than the server itself may take for it, so that one that is merely
// slow costs no connection.
inline Deadline answer_deadline(uint64_t timeout_ms) { return Deadline(timeout_ms + timeout_ms / 4); }

}  // namespace postigo
