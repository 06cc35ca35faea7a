// Moves: where operators have sent users, whatever rules, directories and hashes say.
//
// Written by the control thread, asked by every login: which costs nothing while there is none. Any thread. Shards and
// backends go by their names: an order whose shard is gone is skipped, and counts again when that comes back.
//
// For a fleet: a table that all doors read and one at a time writes, under a lease with a number: what comes with an
// older number is dropped. Each door asks its own copy, written by set() and forget() from what a shared engine tells;
// it may be a moment old, and without the engine as old as the outage. So a move that must not be seen half is made
// under a hold (holds.h), that all doors have confirmed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "backends/balance/siphash.h"
#include "backends/ledger/striped.h"

namespace postigo {

class Moves {
 public:
  struct Order {
    std::string pool, shard;  // where he lives now
    std::string backend;      // of that shard, to be tried first; empty: as for everybody
    uint64_t until_s = 0;     // unix time; 0: until told otherwise
    bool lasts = false;       // over a restart
    bool operator==(const Order&) const = default;
  };

  static constexpr size_t kUsersMax = 1'000'000;

  explicit Moves(SipKey key) : table_(kUsersMax, key) {}

  bool set(Bytes user, Order order);  // false: there are too many
  bool forget(Bytes user);            // false: there was none
  std::optional<Order> find(Bytes user, uint64_t now_s) const;
  // All of now. Those whose time is over are forgotten on the way.
  void visit(uint64_t now_s, const std::function<void(Bytes user, const Order&)>& what);
  size_t size() const { return table_.size(); }

 private:
  Striped<Order> table_;
};

}  // namespace postigo
