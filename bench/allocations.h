// Counts heap allocations of a benchmark program; allocations.cc replaces operator new for it.
#pragma once

#include <cstdint>

namespace postigo::bench {

// Since the program's start. Of programs with one thread.
extern uint64_t allocations;
extern uint64_t allocated_bytes;

}  // namespace postigo::bench
