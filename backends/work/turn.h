// Turn: where work stands in line for a thread.
#pragma once

#include <cstdint>

namespace postigo {

// Where a job waits for a thread (backends/README.md, "Who waits for whom").
struct Turn {
  enum class Rank : uint8_t { first, usual, last };
  Rank rank = Rank::usual;
  uint64_t client = 0;  // in each rank, clients are served in turn, however many jobs one of them has
  bool costs = true;    // false: waiting is all that it is about, its work is nothing
};

}  // namespace postigo
