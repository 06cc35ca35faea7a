// Between the route and the ledger. Not here: who agrees on what (backends/ledger/affinity), how a backend is tried
// (upstream.cc).
#include "proxy/session/binding.h"

#include <algorithm>

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

using Slot = Affinity::Slot;

Slot slot_of(const Session& session, const config::Backend* candidate) {
  return static_cast<Slot>(session.snapshot().backend(candidate->name).state->slot);
}

size_t index_of(const Session& session, const Route& route, Slot slot) {
  size_t index = 0;
  while (index < route.candidates.size() && slot_of(session, route.candidates[index]) != slot) ++index;
  return index;
}

// Null: the configuration has it no more, or it does not serve the protocol.
const config::Backend* backend_at(const Session& session, Slot slot) {
  for (const Backend& each : session.snapshot().backends) {
    if (each.state->slot != slot) continue;
    return each.settings.port(session.frontend().protocol->name) != 0 ? &each.settings : nullptr;
  }
  return nullptr;
}

// The first of all, wherever it stood. Sessions of a user may hold him at a backend that his route does not name any
// more: nobody moves while a session is open.
bool put_first(const Session& session, Route& route, Slot slot) {
  auto begin = route.candidates.begin();
  size_t index = index_of(session, route, slot);
  if (index < route.candidates.size()) {
    std::rotate(begin, begin + static_cast<std::ptrdiff_t>(index), begin + static_cast<std::ptrdiff_t>(index) + 1);
    return true;
  }
  const config::Backend* elsewhere = backend_at(session, slot);
  if (elsewhere != nullptr) route.candidates.insert(begin, elsewhere);
  return elsewhere != nullptr;
}

}  // namespace

void bind_user(Session& session, Route& route) {
  const config::Pool* pool = session.snapshot().affine_pool(route.pool);
  if (pool == nullptr) return;
  auto bond = session.host().ledger().affinity.bind(
      session.summary().user, slot_of(session, route.candidates.front()), pool->affinity_time_ms,
      [&](Slot slot) { return index_of(session, route, slot) < route.candidates.size(); });
  if (!bond || !put_first(session, route, bond.backend())) return;
  session.bond() = std::make_unique<Affinity::Bond>(std::move(bond));
}

bool is_at(Session& session, const BackendState& backend) {
  const Affinity::Bond* bond = session.bond().get();
  return bond != nullptr && bond->shared() && bond->backend() == backend.slot;
}

std::optional<size_t> next_candidate(Session& session, const Route& route, size_t failed) {
  const size_t next = failed + 1;
  Affinity::Bond* bond = session.bond().get();
  auto valid = [&](size_t index) { return index < route.candidates.size() ? std::optional(index) : std::nullopt; };
  if (bond == nullptr) return valid(next);
  if (bond->backend() != slot_of(session, route.candidates[failed])) {
    return valid(index_of(session, route, bond->backend()));
  }
  const config::Pool* pool = session.snapshot().affine_pool(route.pool);
  const bool waits = pool != nullptr && pool->affinity_down == config::AffinityDown::wait && !bond->fresh();
  if (waits || next >= route.candidates.size()) return std::nullopt;
  if (!bond->move(slot_of(session, route.candidates[next]))) return std::nullopt;
  return valid(index_of(session, route, bond->backend()));
}

}  // namespace postigo
