// Between the ledger's candidates and a snapshot's backends. Not here: where a user may go
// (backends/ledger/candidates), how a backend is tried (upstream.cc).
#include "proxy/session/binding.h"

#include <algorithm>

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

using Slot = Bonds::Slot;

// The Router's object. Null: the configuration has it no more, or it does not serve the protocol.
const config::Backend* backend_at(const Snapshot& snapshot, Slot slot, std::string_view protocol) {
  for (size_t i = 0; i < snapshot.backends.size(); ++i) {
    if (snapshot.backends[i].state->slot != slot) continue;
    const config::Backend& found = snapshot.router->backend(i);
    return found.port(protocol) != 0 ? &found : nullptr;
  }
  return nullptr;
}

// Two functions that keep what they need in place: no allocation per login.
Candidates::Backends backends_of(const Snapshot& snapshot, const Protocol* protocol) {
  return {[&snapshot](const config::Backend& each) { return static_cast<Slot>(snapshot.backend(each).state->slot); },
          [&snapshot, protocol](Slot slot) { return backend_at(snapshot, slot, protocol->name); }};
}

}  // namespace

std::optional<Candidates> bind_user(Session& session, Route&& route) {
  const Snapshot& snapshot = session.snapshot();
  const config::Pool* pool = snapshot.affine_pool(route.pool);
  std::optional<Candidates> way(std::in_place, std::move(route), backends_of(snapshot, session.frontend().protocol));
  if (pool == nullptr) return way;
  const auto answer = way->bind(session.host().bonds(), session.summary().user,
                                {pool->affinity_time_ms, pool->affinity_down == config::AffinityDown::wait});
  if (answer == Bonds::Answer::later) way.reset();
  return way;
}

bool foresee(const Snapshot& snapshot, const Bonds& bonds, Route& route, Bytes user, std::string_view protocol) {
  if (snapshot.affine_pool(route.pool) == nullptr) return false;
  Candidates way(std::move(route), backends_of(snapshot, find_protocol(protocol)));
  bool held = way.foresee(bonds, user);
  route = std::move(way).take_route();
  return held;
}

const config::Backend* place_now(const Snapshot& snapshot, const Bonds& bonds, Route route, Bytes user,
                                 std::string_view protocol) {
  bool held = foresee(snapshot, bonds, route, user, protocol);
  for (const config::Backend* each : route.candidates) {
    Wanted wanted = snapshot.backend(*each).state->wanted;
    if (takes_logins(wanted) || (held && wanted == Wanted::drain)) return each;
    if (held) return nullptr;
  }
  return nullptr;
}

bool is_stranded(const Session& session, BackendError error) {
  switch (error) {
    case BackendError::full:
    case BackendError::session_limit:
    case BackendError::login_rate:
    case BackendError::queue_full:
    case BackendError::pool_limit:
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

}  // namespace postigo
