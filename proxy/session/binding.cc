// Between the route and the ledger. Not here: who agrees on what (backends/ledger/affinity), how a backend is tried
// (upstream.cc).
#include "proxy/session/binding.h"

#include <algorithm>

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

using Slot = Affinity::Slot;

Slot slot_of(const Snapshot& snapshot, const config::Backend* candidate) {
  return static_cast<Slot>(snapshot.backend(candidate->name).state->slot);
}

size_t index_of(const Snapshot& snapshot, const Route& route, Slot slot) {
  size_t index = 0;
  while (index < route.candidates.size() && slot_of(snapshot, route.candidates[index]) != slot) ++index;
  return index;
}

// Null: the configuration has it no more, or it does not serve the protocol.
const config::Backend* backend_at(const Snapshot& snapshot, Slot slot, std::string_view protocol) {
  for (const Backend& each : snapshot.backends) {
    if (each.state->slot == slot) return each.settings.port(protocol) != 0 ? &each.settings : nullptr;
  }
  return nullptr;
}

// The first of all, wherever it stood. Sessions of a user may hold him at a backend that his route does not name any
// more: nobody moves while a session is open.
bool put_first(const Snapshot& snapshot, Route& route, Slot slot, std::string_view protocol) {
  auto begin = route.candidates.begin();
  size_t index = index_of(snapshot, route, slot);
  if (index < route.candidates.size()) {
    std::rotate(begin, begin + static_cast<std::ptrdiff_t>(index), begin + static_cast<std::ptrdiff_t>(index) + 1);
    return true;
  }
  const config::Backend* elsewhere = backend_at(snapshot, slot, protocol);
  if (elsewhere != nullptr) route.candidates.insert(begin, elsewhere);
  return elsewhere != nullptr;
}

bool is_in_pool(const config::Pool& pool, const std::string& backend) {
  return std::any_of(pool.shards.begin(), pool.shards.end(), [&](const config::Shard& shard) {
    return std::find(shard.backends.begin(), shard.backends.end(), backend) != shard.backends.end();
  });
}

// Without a session he stays only where his route may lead: among its candidates, in a shared pool at any backend, and
// where an operator wants him to be, there alone.
bool may_stay(const Snapshot& snapshot, const Route& route, Slot slot, std::string_view protocol) {
  const size_t index = index_of(snapshot, route, slot);
  if (route.ordered) return index == 0;
  if (index < route.candidates.size() || route.shared == nullptr) return index < route.candidates.size();
  const config::Backend* there = backend_at(snapshot, slot, protocol);
  const config::Pool* pool = snapshot.affine_pool(route.pool);
  return there != nullptr && pool != nullptr && is_in_pool(*pool, there->name);
}

}  // namespace

void bind_user(Session& session, Route& route) {
  const Snapshot& snapshot = session.snapshot();
  const config::Pool* pool = snapshot.affine_pool(route.pool);
  if (pool == nullptr) return;
  const std::string_view protocol = session.frontend().protocol->name;
  auto bond = session.host().ledger().affinity.bind(
      session.summary().user, slot_of(snapshot, route.candidates.front()), pool->affinity_time_ms,
      [&](Slot slot) { return may_stay(snapshot, route, slot, protocol); });
  if (!bond || !put_first(snapshot, route, bond.backend(), protocol)) return;
  session.bond() = std::make_unique<Affinity::Bond>(std::move(bond));
}

bool foresee(const Snapshot& snapshot, const Ledger& ledger, Route& route, Bytes user, std::string_view protocol) {
  auto known = snapshot.affine_pool(route.pool) != nullptr ? ledger.affinity.look(user) : std::nullopt;
  if (!known || (known->sessions == 0 && !may_stay(snapshot, route, known->backend, protocol))) return false;
  return put_first(snapshot, route, known->backend, protocol) && known->sessions > 0;
}

const config::Backend* place_now(const Snapshot& snapshot, const Ledger& ledger, Route route, Bytes user,
                                 std::string_view protocol) {
  bool held = foresee(snapshot, ledger, route, user, protocol);
  for (const config::Backend* each : route.candidates) {
    Wanted wanted = snapshot.backend(each->name).state->wanted;
    if (takes_logins(wanted) || (held && wanted == Wanted::drain)) return each;
    if (held) return nullptr;
  }
  return nullptr;
}

bool is_at(Session& session, const BackendState& backend) {
  const Affinity::Bond* bond = session.bond().get();
  return bond != nullptr && bond->shared() && bond->backend() == backend.slot;
}

bool is_stranded(Session& session, BackendError error) {
  const Affinity::Bond* bond = session.bond().get();
  if (bond == nullptr || !bond->shared()) return false;
  switch (error) {
    case BackendError::full:
    case BackendError::unavailable:  // it answers, so its sessions may be alive
    case BackendError::master_refused:
    case BackendError::moved:
    case BackendError::no_port:
      return false;
    default:
      break;
  }
  auto& pools = session.snapshot().live.pools;
  return std::any_of(pools.begin(), pools.end(), [](const config::Pool& pool) {
    return pool.affinity && pool.affinity_down == config::AffinityDown::failover;
  });
}

std::optional<size_t> next_candidate(Session& session, const Route& route, size_t failed) {
  const size_t next = failed + 1;
  Affinity::Bond* bond = session.bond().get();
  auto valid = [&](size_t index) { return index < route.candidates.size() ? std::optional(index) : std::nullopt; };
  if (bond == nullptr) return valid(next);
  if (bond->backend() != slot_of(session.snapshot(), route.candidates[failed])) {
    return valid(index_of(session.snapshot(), route, bond->backend()));
  }
  const config::Pool* pool = session.snapshot().affine_pool(route.pool);
  const bool waits = pool != nullptr && pool->affinity_down == config::AffinityDown::wait && !bond->fresh();
  if (waits || next >= route.candidates.size()) return std::nullopt;
  if (!bond->move(slot_of(session.snapshot(), route.candidates[next]))) return std::nullopt;
  return valid(index_of(session.snapshot(), route, bond->backend()));
}

}  // namespace postigo
