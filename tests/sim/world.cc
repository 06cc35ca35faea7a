// Machines fail and come back. Not here: what anybody decides about it (door.cc), what operators want (operators.cc).
#include "tests/sim/world.h"

#include <algorithm>

namespace postigo::sim {

// Three pools: shards of two with affinity; one where any backend serves any user, with affinity; and one more of that
// kind without, by another policy. In some stories we stand in a zone.
World::World(Story& story) : story_(story) {
  config::Pool main, shared, spread;
  main.name = "main";
  shared.name = "shared";
  spread.name = "spread";
  main.affinity = shared.affinity = true;
  if (story_.one_in(4)) main.affinity_down = config::AffinityDown::wait;
  shared.storage = spread.storage = config::Pool::Storage::shared;
  spread.policy = story_.one_in(2) ? config::Pool::Policy::least_sessions : config::Pool::Policy::round_robin;
  shared.zone_spill = spread.zone_spill = 40 + static_cast<unsigned>(story_.roll(61));
  live.pools = {main, shared, spread};
  live.routing.default_pool = "main";
  if (story_.one_in(2)) live.zone = "a";
  if (story_.one_in(2)) terms.slow_start_ms = 0;
  for (size_t i = 0; i < story_.scale.backends; ++i) add_backend(i);
}

void World::add_backend(size_t i) {
  config::Backend backend;
  backend.name = "b" + std::to_string(i);
  backend.host = "10.0.0.1";
  backend.ports["imap"] = 143;
  constexpr std::array<const char*, 5> kZones = {"a", "b", "a", "b", ""};
  backend.zone = kZones[i / 3 % kZones.size()];
  draw_room(backend);
  live.backends.push_back(backend);
  auto server = std::make_unique<Server>();
  server->name = backend.name;
  server->slot = static_cast<uint32_t>(i);
  server->belief = std::make_shared<Belief>(story_.random(), story_.now_ms());
  server->belief->health.set_terms(terms);
  by_name_.emplace(backend.name, server.get());
  servers_.push_back(std::move(server));
  config::Pool &main = live.pools[0], &shared = live.pools[1], &spread = live.pools[2];
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

// Of one backend, if they are spread evenly: most sessions are short, and some last for half an hour.
uint64_t World::usual_sessions() const {
  constexpr uint64_t kMinutes = 11;
  return story_.scale.logins * kMinutes / story_.scale.minutes / story_.scale.backends + 1;
}

// Many have no limit; some have one that is reached now and then, and some are too small for what comes.
void World::draw_room(config::Backend& backend) {
  backend.ready = {story_.one_in(4) ? 1U : 0U, static_cast<unsigned>(story_.one_in(2) ? 2 + story_.roll(4) : 0),
                   5'000 + story_.roll(30'000)};
  backend.sessions_max = story_.one_in(2) ? 0 : usual_sessions() / 2 + 2 + story_.roll(2 * usual_sessions());
  constexpr std::array<uint64_t, 4> kExact = {1, 2, 4, 5};  // of a second
  backend.logins_per_s = story_.one_in(4) ? kExact[story_.roll(kExact.size())] : 0;
  backend.queue_max = story_.roll(kLineMost + 1);
  backend.queue_timeout_ms = 200 + story_.roll(kLinePatienceMs - 200);
}

config::Pool& World::pool(std::string_view name) {
  return *std::find_if(live.pools.begin(), live.pools.end(),
                       [&](const config::Pool& each) { return each.name == name; });
}

std::vector<std::string> World::members(const config::Pool& pool) const {
  std::vector<std::string> names;
  for (const config::Shard& shard : pool.shards)
    names.insert(names.end(), shard.backends.begin(), shard.backends.end());
  return names;
}

void World::schedule() {
  const size_t failures = servers_.size() * story_.scale.minutes / 60 + 5;
  for (size_t i = 0; i < failures; ++i) story_.time.in(story_.roll(story_.length_ms()), [this] { fail_one(); });
}

void World::set(Server& server, Truth truth) {
  server.truth = truth;
  server.truth_since_ms = story_.now_ms();
}

void World::fail_one() {
  Server& server = any();
  if (server.truth != Truth::well) return;
  switch (story_.roll(5)) {
    case 0:
    case 1:
      ++story_.count(Count::deaths);
      set(server, Truth::dead);
      on_loss(server, false);
      break;
    case 2:
      ++story_.count(Count::renames);
      set(server, Truth::astray);
      break;
    default:
      ++story_.count(Count::hangs);
      set(server, Truth::silent);
  }
  // One that flaps comes back soon, again and again.
  story_.time.in(story_.one_in(3) ? story_.roll(3'000) : 5'000 + story_.roll(300'000),
                 [this, &server] { recover(server); });
}

void World::recover(Server& server) {
  if (server.truth == Truth::silent && story_.one_in(2)) on_loss(server, true);  // killed at last
  set(server, Truth::well);
}

}  // namespace postigo::sim
