// One number for what a backend lists after login, so that those of a pool can be compared. Pure; the same in a
// process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/balance/siphash.h"

namespace postigo {

// Without regard to order. 0: it listed nothing.
inline uint64_t capability_digest(const std::vector<std::string>& listed) {
  uint64_t sum = 0;
  for (const std::string& each : listed) sum += SeededHash{}(each);
  return listed.empty() ? 0 : sum | 1;
}

}  // namespace postigo
