// Pools: which backends are in which, and whether they are alike. Not here: their limits (metrics_room.cc).
#include <algorithm>
#include <map>

#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

// Each once, in the order of the configuration.
std::vector<const BackendState*> members(const Snapshot& snapshot, const config::Pool& pool) {
  std::vector<const BackendState*> found;
  for (const config::Shard& shard : pool.shards) {
    for (const std::string& name : shard.backends) {
      const Backend* backend = snapshot.find_backend(name);
      if (backend == nullptr) continue;
      if (std::find(found.begin(), found.end(), backend->state) == found.end()) found.push_back(backend->state);
    }
  }
  return found;
}

void pool_info(Families& out, Source source) {
  for (const config::Pool& pool : source.snapshot->live.pools) {
    for (const BackendState* backend : members(*source.snapshot, pool)) out.add({backend->name, pool.name}, 1.0);
  }
}

// What most of them list; of two that are listed equally often the one that came first.
uint64_t usual(const std::vector<std::pair<const BackendState*, uint64_t>>& lists) {
  std::map<uint64_t, size_t> counts;
  for (const auto& [backend, digest] : lists) ++counts[digest];
  const auto most = std::max_element(lists.begin(), lists.end(), [&](const auto& one, const auto& other) {
    return counts[one.second] < counts[other.second];
  });
  return most != lists.end() ? most->second : 0;
}

void capabilities_differ(Families& out, Source source) {
  for (const config::Pool& pool : source.snapshot->live.pools) {
    const auto backends = members(*source.snapshot, pool);
    for (auto [protocol, p] : source.protocols) {
      std::vector<std::pair<const BackendState*, uint64_t>> lists;
      for (const BackendState* backend : backends) {
        const uint64_t digest = backend->capabilities[p].load(std::memory_order_relaxed);
        if (digest != 0) lists.emplace_back(backend, digest);
      }
      const uint64_t expected = usual(lists);
      for (const auto& [backend, digest] : lists) {
        out.add({backend->name, pool.name, protocol->name}, digest != expected ? 1.0 : 0.0);
      }
    }
  }
}

constexpr auto kPoolsFamilies = std::to_array<Family>({
    {"postigo_backend_pool_info",
     gauge,
     {"backend", "pool"},
     "Always 1; the labels tell which backends are in which pool.",
     pool_info},
    {"postigo_backend_capabilities_differ",
     gauge,
     {"backend", "pool", "protocol"},
     "1 if a backend listed other capabilities after its last login than most of its pool; there once somebody logged "
     "in.",
     capabilities_differ},
});

}  // namespace

std::span<const Family> pool_families() { return kPoolsFamilies; }

}  // namespace postigo
