// HandshakeLine: who waits for the dear part of a TLS handshake, the server's signature (a tenth of a millisecond of a
// core, and up to one with RSA). Two in each turn of the loop, so that everything else goes on in a storm (a
// login takes seven turns, each as long as what the others do in it); networks
// in turn, so that whoever makes the storm waits for himself and not everybody for him (A25).
//
// A loop's own. What is in the line may go at any time (it unlinks itself).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "proxy/base/list.h"

namespace postigo {

template <typename Waiting, typename Tag>
class HandshakeLine {
 public:
  static constexpr size_t kPerTurn = 2;

  void begin_turn() { left_ = kPerTurn; }
  // True: now. False: it is in the line of its network, behind what came from there before, and will be called.
  bool may_go(Waiting& who, uint32_t network) {
    if (turns_.empty() && left_ != 0) {
      --left_;
      return true;
    }
    auto [line, fresh] = lines_.try_emplace(network);
    if (fresh) turns_.push_back(network);
    if (!who.linked()) line->second.push_back(who);
    return false;
  }
  // The next ones, as many as the turn has room for.
  template <typename Call>
  void serve(Call call) {
    while (left_ != 0 && !turns_.empty()) {
      const uint32_t network = turns_.front();
      turns_.pop_front();
      auto& line = lines_[network];
      Waiting* next = line.empty() ? nullptr : &line.pop_front();
      if (line.empty()) {
        lines_.erase(network);
      } else {
        turns_.push_back(network);
      }
      if (next == nullptr) continue;  // all of them have gone
      --left_;
      call(*next);
    }
  }
  bool empty() const { return turns_.empty(); }

 private:
  std::unordered_map<uint32_t, List<Waiting, Tag>> lines_;  // none is empty, but for those that have gone
  std::deque<uint32_t> turns_;
  size_t left_ = kPerTurn;
};

}  // namespace postigo
