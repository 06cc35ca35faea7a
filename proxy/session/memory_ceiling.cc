// Levels, and how much there is. Not here: what a worker does about it (worker.cc, relay.cc).
#include "proxy/session/memory_ceiling.h"

#include <uv.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace postigo {
namespace {

// The first two lines that matter: "0::/system.slice/postigo.service", and a number or "max" in that folder.
uint64_t memory_of_group() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line;
  while (std::getline(groups, line)) {
    if (!line.starts_with("0::")) continue;
    std::ifstream file("/sys/fs/cgroup" + line.substr(3) + "/memory.max");
    uint64_t octets = 0;
    if (file >> octets) return octets;
  }
  return 0;
}

}  // namespace

uint64_t MemoryCeiling::held() const {
  return static_cast<uint64_t>(std::max<int64_t>(held_.load(std::memory_order_relaxed), 0));
}

MemoryCeiling::Level MemoryCeiling::level() const {
  const int64_t limit = limit_.load(std::memory_order_relaxed);
  if (limit == 0) return Level::calm;
  const int64_t held = held_.load(std::memory_order_relaxed);
  if (held >= limit) return Level::over;
  return held >= limit / 4 * 3 ? Level::tight : Level::calm;
}

uint64_t memory_of_machine() {
  const uint64_t machine = uv_get_total_memory();
  const uint64_t group = memory_of_group();
  return group != 0 ? std::min(machine, group) : machine;
}

}  // namespace postigo
