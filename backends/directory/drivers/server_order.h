// ServerOrder: which of several servers is tried first. One that could not be reached rests for some seconds: it is
// tried only after the others. While none of them can be reached, one thread at a time finds out whether that is still
// so, and nobody else waits for it.
//
// Any thread; decides only, and is told the time. What is known is of this process: a fleet need not agree on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace postigo {

class ServerOrder {
 public:
  static constexpr uint64_t kRest_ms = 5'000;

  explicit ServerOrder(size_t servers) : servers_(servers) {}

  struct Turn {
    std::vector<size_t> order;  // whom to try; empty: none serves, and somebody else is trying them
    bool trial = false;
  };
  Turn begin(uint64_t now_ms);
  void end(const Turn& turn);  // each has one

  void served(size_t server);
  void failed(size_t server, uint64_t now_ms);

 private:
  struct Server {
    bool away = false;
    uint64_t rests_until_ms = 0;
  };
  std::mutex mutex_;
  std::vector<Server> servers_;
  bool trial_ = false;  // all are away, and somebody tries them
};

}  // namespace postigo
