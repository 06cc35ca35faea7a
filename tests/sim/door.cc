// As proxy/snapshot and proxy/session/binding do it. Not here: what a connection meets (logins.cc).
#include "tests/sim/door.h"

#include <algorithm>

#include "backends/balance/watch.h"
#include "backends/ledger/placement.h"

namespace postigo::sim {
namespace {

LimitRules draw_rules(Story& story) {
  config::Limits limits;
  auto some = [&](uint64_t least, uint64_t more) { return story.one_in(3) ? 0 : least + story.roll(more); };
  limits.sessions_per_user = 3 + story.roll(10);
  limits.sessions_per_user_address = some(2, 6);
  limits.sessions_per_address = some(4, 30);
  limits.sessions_per_network = some(40, 200);
  // Storms exceed it, and what is usual does not.
  limits.connections_per_s = some(2 + 4 * story.scale.logins / (story.scale.minutes * 60), 30);
  limits.classes.push_back({"u7", "", "", 1 + story.roll(3), 0});
  limits.classes.push_back({"", "", "shared", 2 + story.roll(6), 0});
  return limit_rules(limits);
}

}  // namespace

Door::Door(Story& story, World& world)
    : ledger(story.scale.users * 2, {story.random(), 1}, [&story] { return story.now_ms(); }),
      bonds(ledger.affinity),
      seats({story.random(), 2}),
      limiter(seats, {story.random(), 4}),
      rules(draw_rules(story)),
      story_(story),
      world_(world),
      prompt_(!story.one_in(4)) {
  be_prompt();
  auto problems = Router::check(world.live);
  if (!problems.empty()) story.wrong(problems[0].message);
  router_ = std::make_unique<Router>(world.live);
  places.open(1'000'000, story.one_in(2) ? 10 + story.roll(30) : 1'000);
  places.set_ready_max(static_cast<int64_t>(2 + story.roll(world.servers().size())));
  if (!story.one_in(3)) return;
  spread_limit_ = std::make_unique<PoolLimit>();
  for (const std::string& name : world.members(world.pool("spread"))) {
    spread_limit_->members.push_back(&world.of(name).room);
  }
  spread_limit_->sessions_max = spread_limit_->members.size() * (1 + story.roll(40));
}

// In some stories many doors agree, and answers take their time.
void Door::be_prompt() {
  auto some = [this]() -> unsigned { return prompt_ ? 0 : static_cast<unsigned>(story_.roll(3)); };
  bonds.takes = some();
  bonds.moves = some();
  bonds.settles = some();
}

void Door::be_cut_off(uint64_t for_ms) {
  if (prompt_) return;
  bonds.takes = bonds.moves = bonds.settles = SlowBonds::kForEver;
  story_.time.in(for_ms, [this] { be_prompt(); });
}

const Router& Door::reload() {
  auto next = std::make_unique<Router>(world_.live);
  std::swap(router_, next);
  old_.push_back(std::move(next));
  on_reload();
  return *old_.back();
}

Result<Route> Door::route(const std::string& user, std::string_view pool) {
  auto route = place(*router_, ledger.moves, verified(user, pool), "imap", story_.now_s());
  if (!route || route->ordered) return route;
  Selection::World world{*router_, world_.live.zone,
                         [this](const config::Backend& each) { return claim(server(each)); },
                         [this] { return story_.random(); }, [this] { return turns_++; }};
  Selection(world).order(*route, user, "imap");
  return route;
}

const config::Pool* Door::affine_pool(std::string_view name) const {
  for (const config::Pool& pool : world_.live.pools) {
    if (pool.affinity && pool.name == name) return &pool;
  }
  return nullptr;
}

std::optional<Candidates> Door::candidates(Route&& route, const std::string& user) {
  const config::Pool* pool = affine_pool(route.pool);
  Candidates way(std::move(route),
                 {[this](const config::Backend& each) { return server(each).slot; },
                  [this](Affinity::Slot slot) -> const config::Backend* { return &router_->backend(slot); }});
  if (pool == nullptr) return way;
  const bool waits = pool->affinity_down == config::AffinityDown::wait;
  if (way.bind(bonds, user, {pool->affinity_time_ms, waits}) == Bonds::Answer::later) return std::nullopt;
  return way;
}

Claim Door::claim(const Server& server) const {
  Claim now{takes_logins(server.wanted), server.weight, server.sessions.size()};
  const SharedHealth& health = server.belief->health;
  if (server.wanted != Wanted::automatic || health.calm()) return now;
  SharedHealth::View view = health.view(story_.now_ms());
  bool trial = view.trial_due && logins_decide(config::Health::Level::automatic, view.depth);
  now.serves = view.state != HealthState::down || trial;
  bool slow = health.patience_ms() > world_.terms.silence_ms;
  if (slow && !trial) now.share = 0;
  if (view.state == HealthState::slow_start) now.share = now.share * view.share / 100;
  return now;
}

void Door::be_succeeded() {
  ++story_.count(Count::successors);
  const uint64_t now_ms = story_.now_ms();
  for (const auto& server : world_.servers()) {
    auto memory = server->belief->health.memory(now_ms);
    bool down = server->belief->health.view(now_ms).state == HealthState::down;
    server->belief = std::make_shared<Belief>(story_.random(), now_ms);
    server->belief->health.set_terms(world_.terms);
    if (memory) server->belief->health.remember(*memory, now_ms);
    server->belief->fell_ms = now_ms;
    bool still = server->belief->health.view(now_ms).state == HealthState::down;
    if (down != still) story_.wrong(server->name + " looks well to a successor");
  }
}

}  // namespace postigo::sim
