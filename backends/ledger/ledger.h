// Ledger: what the workers of a process must agree on about users, beside the configuration; all of it in its memory.
//
// One for all workers, for the life of the process; any thread. Sessions see its parts through what all doors of a
// platform could be: Bonds, Guesses (penalty.h) and Seats (seat_table.h) are interfaces, which a shared engine may
// stand behind. Moves and Holds are none: each door asks its own copy of them, whoever writes it.
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
