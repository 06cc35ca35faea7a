// Ledger: what the workers of a process must agree on about users, beside the configuration.
//
// One for all workers, for the life of the process; any thread.
#pragma once

#include <cstddef>

#include "backends/ledger/affinity.h"
#include "backends/ledger/holds.h"
#include "backends/ledger/moves.h"

namespace postigo {

struct Ledger {
  Ledger(size_t users_max, SipKey key, Affinity::Clock clock)
      : affinity(users_max, key, std::move(clock)), moves(key), holds(key) {}

  Affinity affinity;
  Moves moves;
  Holds holds;
  std::atomic<uint64_t> users_moved{0}, moves_failed{0};  // by operators
};

}  // namespace postigo
