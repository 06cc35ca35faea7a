// Names to places. Not here: when a user goes there (mover.cc).
#include "proxy/control/target.h"

#include <algorithm>
#include <vector>

namespace postigo {
namespace {

std::vector<const config::Pool*> pools_of(const config::Live& live, std::string_view first) {
  std::vector<const config::Pool*> pools;
  for (const config::Pool& pool : live.pools) pools.push_back(&pool);
  std::stable_partition(pools.begin(), pools.end(), [&](const config::Pool* pool) { return pool->name == first; });
  return pools;
}

bool has(const config::Shard& shard, const std::string& backend) {
  return std::find(shard.backends.begin(), shard.backends.end(), backend) != shard.backends.end();
}

}  // namespace

Result<Moves::Order> target_of(const config::Live& live, const std::string& name, std::string_view pool) {
  for (const config::Pool* each : pools_of(live, pool)) {
    for (const config::Shard& shard : each->shards) {
      if (has(shard, name)) return Moves::Order{each->name, shard.name, name, 0, false};
    }
  }
  for (const config::Pool* each : pools_of(live, pool)) {
    for (const config::Shard& shard : each->shards) {
      bool meant = shard.name == name || each->name + "/" + shard.name == name;
      if (meant) return Moves::Order{each->name, shard.name, "", 0, false};
    }
  }
  return fail("there is no backend or shard \"" + name + "\"");
}

std::optional<Moves::Order> beside(const Snapshot& snapshot, const std::string& backend) {
  for (const config::Pool& pool : snapshot.live.pools) {
    const bool shared = pool.storage == config::Pool::Storage::shared;
    bool here = std::any_of(pool.shards.begin(), pool.shards.end(), [&](auto& shard) { return has(shard, backend); });
    for (const config::Shard& shard : pool.shards) {
      if (!here || (!shared && !has(shard, backend))) continue;
      for (const std::string& other : shard.backends) {
        if (other == backend || !takes_logins(snapshot.backend(other).state->wanted)) continue;
        return Moves::Order{pool.name, shard.name, other, 0, false};
      }
    }
  }
  return std::nullopt;
}

}  // namespace postigo
