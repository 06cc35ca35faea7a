// Between the route and the ledger. Not here: the order of candidates (balance/selection), who agrees on what
// (affinity.cc), how a backend is tried (proxy/session).
#include "backends/ledger/candidates.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace postigo {
namespace {

bool is_in_pool(const config::Pool& pool, const std::string& backend) {
  return std::any_of(pool.shards.begin(), pool.shards.end(), [&](const config::Shard& shard) {
    return std::find(shard.backends.begin(), shard.backends.end(), backend) != shard.backends.end();
  });
}

}  // namespace

using Slot = Affinity::Slot;

size_t Candidates::index_of(Slot slot) const {
  auto found = std::find_if(route_.candidates.begin(), route_.candidates.end(),
                            [&](const config::Backend* each) { return backends_.slot_of(*each) == slot; });
  return static_cast<size_t>(found - route_.candidates.begin());
}

// The next to be tried, wherever it stood; those behind it keep their order. His bond may name one that his route does
// not: nobody moves while a session is open, and another login's route may have been another one.
bool Candidates::put(size_t at, Slot slot) {
  auto place = route_.candidates.begin() + static_cast<std::ptrdiff_t>(at);
  if (size_t index = index_of(slot); index < route_.candidates.size()) {
    auto found = route_.candidates.begin() + static_cast<std::ptrdiff_t>(index);
    if (found >= place) std::rotate(place, found, found + 1);
    at_ = std::min(at, index);
    return true;
  }
  const config::Backend* elsewhere = backends_.at(slot);
  if (elsewhere == nullptr) return false;
  route_.candidates.insert(place, elsewhere);
  at_ = at;
  return true;
}

bool Candidates::may_stay(Slot slot) const {
  const size_t index = index_of(slot);
  if (route_.ordered) return index == 0;
  if (index < route_.candidates.size() || route_.shared == nullptr) return index < route_.candidates.size();
  const config::Backend* there = backends_.at(slot);
  return there != nullptr && is_in_pool(*route_.shared, there->name);
}

void Candidates::bind(Affinity& affinity, Bytes user, const Terms& terms) {
  terms_ = terms;
  auto bond = affinity.bind(user, backends_.slot_of(*route_.candidates.front()), terms.lapse_ms,
                            [this](Slot slot) { return may_stay(slot); });
  if (!bond || !put(0, bond.backend())) return;
  bond_ = std::make_unique<Affinity::Bond>(std::move(bond));
}

bool Candidates::foresee(const Affinity& affinity, Bytes user) {
  auto known = affinity.look(user);
  if (!known || (!known->held && !may_stay(known->backend))) return false;
  return put(0, known->backend) && known->held;
}

bool Candidates::is_held() const {
  return bond_ != nullptr && bond_->shared() && bond_->backend() == backends_.slot_of(candidate());
}

bool Candidates::has_failed(Slot slot) const {
  return std::find(failed_.begin(), failed_.end(), slot) != failed_.end();
}

// To where another login of his has moved him; bounded, as they may move each other. If that one does not know yet what
// this one has met there, it is called back, unless a session of his has got in there.
bool Candidates::follow(Slot here) {
  if (++turns_ > route_.candidates.size()) return false;
  if (has_failed(bond_->backend())) bond_->move(here);
  return put(at_ + 1, bond_->backend());
}

bool Candidates::go_on() {
  const Slot here = backends_.slot_of(candidate());
  if (bond_ != nullptr && bond_->backend() != here) return follow(here);
  if (!has_failed(here)) failed_.push_back(here);
  const size_t next = at_ + 1;
  if (failed_.size() >= route_.candidates.size() || next >= route_.candidates.size()) return false;
  if (bond_ == nullptr) {
    at_ = next;
    return true;
  }
  const bool waits = terms_.waits && !bond_->fresh();
  return !waits && bond_->move(backends_.slot_of(*route_.candidates[next])) && put(next, bond_->backend());
}

}  // namespace postigo
