// Not here: who may serve whom (router.cc).
#include "backends/named_backends.h"

#include "backends/addresses.h"
#include "parser/base/ascii.h"

namespace postigo {

NamedBackends::NamedBackends(const config::Live& live) : backends_(live.backends), places_(live.backends.size()) {
  for (size_t i = 0; i < backends_.size(); ++i) by_name_.emplace(backends_[i].name, i);
  for (size_t pool = 0; pool < live.pools.size(); ++pool) {
    for (size_t shard = 0; shard < live.pools[pool].shards.size(); ++shard) {
      for (const std::string& name : live.pools[pool].shards[shard].backends) {
        auto found = by_name_.find(name);
        if (found == by_name_.end() || places_[found->second]) continue;
        places_[found->second] = Place{found->second, pool, shard};
      }
    }
  }
}

std::optional<size_t> NamedBackends::meant(const std::string& said, std::string_view protocol) const {
  auto named = by_name_.find(said);
  if (named != by_name_.end()) return named->second;
  for (size_t i = 0; i < backends_.size(); ++i) {
    if (is_at(backends_[i].host, backends_[i].port(protocol), said)) return i;
  }
  return std::nullopt;
}

Result<NamedBackends::Place> NamedBackends::find(const std::string& said, std::string_view protocol) const {
  auto found = meant(said, protocol);
  if (!found) return fail("the directory names a backend that no [[backend]] is: " + printable(said));
  const config::Backend& backend = backends_[*found];
  if (!places_[*found]) return fail("backend " + backend.name + ", which the directory names, is in no pool");
  if (backend.port(protocol) == 0) return fail("backend " + backend.name + " does not serve " + std::string(protocol));
  return *places_[*found];
}

}  // namespace postigo
