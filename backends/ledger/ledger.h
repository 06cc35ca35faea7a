// Ledger: what the workers of a process must agree on about users, beside the configuration.
//
// One for all workers, for the life of the process; any thread.
#pragma once

#include <cstddef>

#include "backends/ledger/affinity.h"

namespace postigo {

struct Ledger {
  Ledger(size_t users_max, SipKey key, Affinity::Clock clock) : affinity(users_max, key, std::move(clock)) {}

  Affinity affinity;
};

}  // namespace postigo
