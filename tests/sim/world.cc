// What goes on in the world: machines fail and come back, operators give orders, shards come and go, users come.
#include <algorithm>

#include "tests/sim/session.h"

namespace postigo::sim {
namespace {

config::Pool pool_of_shards(std::string name) {
  config::Pool pool;
  pool.name = std::move(name);
  return pool;
}

}  // namespace

// Three pools: shards of two with affinity; one where any backend serves any user, with affinity; and one more of that
// kind without, by least sessions.
void Platform::make_configuration() {
  config::Pool main = pool_of_shards("main"), shared = pool_of_shards("shared"), spread = pool_of_shards("spread");
  main.affinity = shared.affinity = true;
  shared.storage = spread.storage = config::Pool::Storage::shared;
  spread.policy = config::Pool::Policy::least_sessions;
  for (size_t i = 0; i < scale_.backends; ++i) {
    config::Backend backend;
    backend.name = "b" + std::to_string(i);
    backend.host = "10.0.0.1";
    backend.imap_port = 143;
    live_.backends.push_back(backend);
    servers_.emplace(backend.name, std::make_unique<Server>(backend.name, static_cast<uint32_t>(i), random_(), 0));
    by_slot_.push_back(servers_.at(backend.name).get());
    if (i % 6 == 4) {
      shared.shards.push_back({backend.name, 1.0, {backend.name}});
    } else if (i % 6 == 5) {
      spread.shards.push_back({backend.name, 1.0, {backend.name}});
    } else if (i % 2 == 0) {
      main.shards.push_back({"s" + std::to_string(i / 2), 1.0, {backend.name}});
    } else {
      main.shards.back().backends.push_back(backend.name);
    }
  }
  live_.pools = {main, shared, spread};
  live_.routing.default_pool = "main";
  if (auto problems = Router::check(live_); !problems.empty()) return wrong(problems[0].message);
  router_ = std::make_unique<Router>(live_);
}

std::string_view Platform::pool_of(size_t user) const {
  constexpr std::array<std::string_view, 4> kPools = {"main", "main", "shared", "spread"};
  return kPools[user % kPools.size()];
}

void Platform::schedule() {
  const uint64_t length_ms = scale_.minutes * 60'000;
  for (size_t i = 0; i < scale_.logins; ++i) {
    // Some come back again and again, and all at once.
    size_t user = roll(4) == 0 ? roll(1 + scale_.users / 50) : roll(scale_.users);
    uint64_t at_ms = roll(length_ms);
    for (uint64_t more = roll(5) == 0 ? 1 + roll(4) : 1; more > 0; --more) {
      time_.in(at_ms + roll(30), [this, user] { log_in(user); });
    }
  }
  const size_t failures = scale_.backends * scale_.minutes / 60 + 5;
  for (size_t i = 0; i < failures; ++i) time_.in(roll(length_ms), [this] { fail_one(); });
  for (size_t i = 0; i < scale_.backends / 2; ++i) time_.in(roll(length_ms), [this] { order_one(); });
  for (size_t i = 0; i < 4; ++i) time_.in(roll(length_ms), [this] { reload(); });
  for (uint64_t at_ms = 0; at_ms < length_ms; at_ms += 60'000) time_.in(at_ms, [this] { check_bounds(); });
  for (Server* server : by_slot_) {
    for (uint64_t at_ms = roll(10'000); at_ms < length_ms; at_ms += 8'000 + roll(4'000)) {
      time_.in(at_ms, [this, server] { probe(*server); });
    }
  }
}

void Platform::fail_one() {
  Server& server = *by_slot_[roll(by_slot_.size())];
  if (server.truth != Truth::well) return;
  bool dies = roll(2) == 0;
  server.truth = dies ? Truth::dead : Truth::silent;
  ++(dies ? numbers_.deaths : numbers_.hangs);
  if (dies) end_all(server);
  // One that flaps comes back soon, again and again.
  time_.in(roll(3) == 0 ? roll(3'000) : 5'000 + roll(300'000), [this, &server] { recover(server); });
}

void Platform::recover(Server& server) {
  if (server.truth == Truth::silent && roll(2) == 0) end_all(server);  // killed at last
  server.truth = Truth::well;
  server.well_since_ms = time_.now_ms();
}

void Platform::end_all(Server& server) {
  while (!server.sessions.empty()) end(*server.sessions.begin()->second);
}

void Platform::order_one() {
  ++numbers_.orders;
  Server& server = *by_slot_[roll(by_slot_.size())];
  constexpr std::array kOrders = {Wanted::automatic, Wanted::automatic, Wanted::drain, Wanted::down, Wanted::ready};
  server.wanted = kOrders[roll(kOrders.size())];
  if (roll(3) == 0) server.weight = static_cast<unsigned>(roll(101));
  if (server.wanted == Wanted::down) end_all(server);
  // Nobody forgets what he ordered for long.
  time_.in(60'000 + roll(600'000), [this, &server] {
    server.wanted = Wanted::automatic;
    server.weight = 100;
    server.well_since_ms = std::max(server.well_since_ms, time_.now_ms());
  });
}

// A shard of main gets another weight, or goes, or comes back. Backends stay known: a session may still be there.
void Platform::reload() {
  ++numbers_.reloads;
  config::Pool& pool = live_.pools[0];
  double before = 0, weight = 1.0 + static_cast<double>(roll(3));
  for (const config::Shard& shard : pool.shards) before += shard.weight;
  config::Shard& changed = pool.shards[roll(pool.shards.size())];
  const double old = changed.weight;
  changed.weight = weight;
  const double after = before - old + weight;
  auto next = std::make_unique<Router>(live_);
  std::swap(router_, next);
  // Who moves: the difference of its share, as no other two exchange anybody.
  check_moved(*next, std::abs(weight / after - old / before));
  old_.push_back(std::move(next));
}

}  // namespace postigo::sim
