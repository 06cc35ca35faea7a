// Candidates: one login's way through the candidates of its route: first to where its user is bound, if his pool has
// affinity, and on to the next one where a backend cannot serve, for as long as he may leave.
//
// Pure but for the ledger's lock; where the ledger says `later` nothing has changed, and the same is to be asked again.
// Owned by the login, on its thread; what Backends names lives as long as the route.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backends/ledger/bonds.h"
#include "backends/router.h"

namespace postigo {

class Candidates {
 public:
  // Between backends and their slots (Bonds::Slot).
  struct Backends {
    std::function<Bonds::Slot(const config::Backend&)> slot_of;
    // That serves the route's protocol; null: there is none at this slot any more.
    std::function<const config::Backend*(Bonds::Slot)> at;
  };
  struct Terms {
    uint64_t lapse_ms = 0;  // how long the bond outlives the last session
    bool waits = false;     // who is bound stays bound, though his backend is down
  };

  // REQUIRES: the route has candidates.
  Candidates(Route&& route, Backends&& backends) : route_(std::move(route)), backends_(std::move(backends)) {}

  // The user's pool has affinity. Without a session he stays only where his route may lead: among its candidates, in a
  // shared pool at any backend, and where an operator wants him to be (Route::ordered), there alone.
  // later: nothing has come of it.
  Bonds::Answer bind(Bonds& bonds, Bytes user, const Terms& terms);
  // What bind() would do now, for those who ask and do not come. True: sessions of the user are at the candidate.
  bool foresee(const Bonds& bonds, Bytes user);

  const Route& route() const { return route_; }
  Route take_route() && { return std::move(route_); }
  const config::Backend& candidate() const { return *route_.candidates[at_]; }
  // Those behind it, in order.
  std::span<const config::Backend* const> others() const {
    return std::span<const config::Backend* const>(route_.candidates).subspan(at_ + 1);
  }
  // Sessions of the user are at the candidate: it takes him also while operators drain it.
  bool is_held() const;

  // The candidate cannot serve, or the user has left it meanwhile. no: there is no other, or he has to stay.
  Bonds::Answer go_on();
  // He is logged in there. no: another login of his has moved him meanwhile; go_on().
  Bonds::Answer settle() { return bond_ != nullptr ? bond_->settle() : Bonds::Answer::yes; }

  // For the session that has come of it; null without affinity. REQUIRES: settled.
  std::unique_ptr<Bonds::Bond> take_bond() { return std::move(bond_); }
  void release() { bond_.reset(); }

 private:
  size_t index_of(Bonds::Slot slot) const;
  size_t next() const;
  bool may_stay(Bonds::Slot slot) const;
  bool put(size_t at, Bonds::Slot slot);
  bool has_failed(Bonds::Slot slot) const;
  Bonds::Answer follow(Bonds::Slot here);

  Route route_;
  Backends backends_;
  Terms terms_;
  std::unique_ptr<Bonds::Bond> bond_;  // null: nothing binds him
  size_t at_ = 0;
  std::vector<Bonds::Slot> failed_;  // where this login could not be served
  size_t turns_ = 0;                 // how often it followed another one
};

}  // namespace postigo
