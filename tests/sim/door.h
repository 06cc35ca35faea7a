// Door: one process of ours, as far as it decides: the same parts, asked in the same order as by proxy/session and
// proxy/control. What it meets comes from the world.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/balance/places.h"
#include "backends/balance/selection.h"
#include "backends/ledger/candidates.h"
#include "backends/ledger/ledger.h"
#include "backends/ledger/limiter.h"
#include "backends/ledger/seat_table.h"
#include "backends/router.h"
#include "tests/fakes/slow_ledger.h"
#include "tests/sim/world.h"

namespace postigo::sim {

// Whom a directory has verified.
inline Identity verified(std::string user, std::string_view pool) {
  Identity who;
  who.user = std::move(user);
  who.pool = pool;
  who.verified = true;
  return who;
}

class Door {
 public:
  Door(Story& story, World& world);

  Router& router() { return *router_; }
  // The file has changed. What was there before lasts, as routes of logins under way point into it.
  const Router& reload();

  // Who may serve him now, in order, and the login's way through them.
  Result<Route> route(const std::string& user, std::string_view pool);
  std::optional<Candidates> candidates(Route&& route, const std::string& user);  // none: nobody says yet
  void be_cut_off(uint64_t for_ms);  // from those with whom it agrees: nobody answers

  // What is known of a backend at this moment.
  Claim claim(const Server& server) const;
  Server& server(const config::Backend& backend) { return world_.of(backend.name); }
  // Another process takes over, with what this one remembers of backends that are down.
  void be_succeeded();

  const PoolLimit* limit_of(std::string_view pool) const { return pool == "spread" ? spread_limit_.get() : nullptr; }
  // Another configuration is in force.
  std::function<void()> on_reload = [] {};

  Places places;
  Ledger ledger;
  SlowBonds bonds;  // the ledger's, as logins see them
  SeatTable seats;
  Limiter limiter;
  LimitRules rules;

 private:
  void be_prompt();
  const config::Pool* affine_pool(std::string_view name) const;

  Story& story_;
  World& world_;
  std::unique_ptr<Router> router_;
  std::vector<std::unique_ptr<Router>> old_;
  std::unique_ptr<PoolLimit> spread_limit_;  // null: it has none
  uint64_t turns_ = 0;
  bool prompt_;  // answers come at once, as within one process
};

}  // namespace postigo::sim
