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

using Slot = Bonds::Slot;
using Answer = Bonds::Answer;

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

Answer Candidates::bind(Bonds& bonds, Bytes user, const Terms& terms) {
  terms_ = terms;
  Bonds::Bond bond;
  std::optional<Slot> home;
  if (route_.home != nullptr) home = backends_.slot_of(*route_.home);
  const Answer answer = bonds.bind(
      bond, user, backends_.slot_of(*route_.candidates.front()), terms.lapse_ms,
      [this](Slot slot) { return may_stay(slot); }, home);
  if (answer != Answer::yes) return answer;
  if (!put(0, bond.backend())) return Answer::no;
  bond_ = std::make_unique<Bonds::Bond>(std::move(bond));
  return Answer::yes;
}

bool Candidates::foresee(const Bonds& bonds, Bytes user) {
  auto known = bonds.look(user);
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
// this one has met there, it is called back, unless a session of his has got in there. What is left behind has not
// failed, and comes next.
Answer Candidates::follow(Slot here) {
  constexpr size_t kTurns = 4;  // for each candidate: so many others at one moment are no user's
  if (turns_ >= kTurns * route_.candidates.size()) return Answer::no;
  if (has_failed(bond_->backend()) && bond_->move(here) == Answer::later) return Answer::later;
  ++turns_;
  return put(at_, bond_->backend()) ? Answer::yes : Answer::no;
}

// The first behind this one that has not failed; none: as many as there are.
size_t Candidates::next() const {
  size_t next = at_ + 1;
  while (next < route_.candidates.size() && has_failed(backends_.slot_of(*route_.candidates[next]))) ++next;
  return next;
}

Answer Candidates::go_on() {
  const Slot here = backends_.slot_of(candidate());
  if (bond_ != nullptr && bond_->backend() != here) return follow(here);
  if (!has_failed(here)) failed_.push_back(here);
  const size_t to = next();
  if (to >= route_.candidates.size()) return Answer::no;
  if (bond_ == nullptr) {
    at_ = to;
    return Answer::yes;
  }
  const bool waits = terms_.waits && !bond_->fresh();
  const Answer moved = waits ? Answer::no : bond_->move(backends_.slot_of(*route_.candidates[to]));
  if (moved != Answer::yes) return moved;
  return put(to, bond_->backend()) ? Answer::yes : Answer::no;
}

}  // namespace postigo
