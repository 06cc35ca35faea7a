// Not here: how a user is moved (mover.cc), whether users move as they should when the file changes (survey.cc).
#include "tests/sim/operators.h"

#include <algorithm>
#include <array>

namespace postigo::sim {

Operators::Operators(Story& story, World& world, Door& door, Logins& logins, Mover& mover, Oracle& oracle,
                     Survey& survey)
    : story_(story), world_(world), door_(door), logins_(logins), mover_(mover), oracle_(oracle), survey_(survey) {}

void Operators::schedule() {
  const uint64_t length_ms = story_.length_ms();
  auto often = [&](size_t times, auto what) {
    for (size_t i = 0; i < times; ++i) story_.time.in(story_.roll(length_ms), what);
  };
  often(world_.servers().size() / 2, [this] { order_backend(); });
  often(story_.scale.logins / 30, [this] { move_user(); });
  often(story_.scale.logins / 100, [this] { hold_user(); });
  often(3, [this] { flush(); });
  often(5, [this] { reload(); });
  often(2, [this] { door_.be_succeeded(); });
  often(2, [this] { door_.be_cut_off(1 + story_.roll(20'000)); });
}

void Operators::want(Server& server, Wanted wanted) {
  if (server.wanted == wanted) return;
  server.wanted = wanted;
  server.wanted_since_ms = story_.now_ms();
  if (wanted == Wanted::down) logins_.end_all(server);
}

void Operators::order_backend() {
  ++story_.count(Count::orders);
  Server& server = world_.any();
  constexpr std::array kOrders = {Wanted::automatic, Wanted::automatic, Wanted::drain, Wanted::down, Wanted::ready};
  want(server, kOrders[story_.roll(kOrders.size())]);
  if (story_.one_in(3)) server.weight = static_cast<unsigned>(story_.roll(101));
  // Nobody forgets what he ordered for long.
  story_.time.in(60'000 + story_.roll(600'000), [this, &server] {
    want(server, Wanted::automatic);
    server.weight = 100;
  });
}

// A backend of main or shared: users of pools without affinity may go there, too.
Moves::Order Operators::draw_target() {
  const config::Pool& pool = world_.pool(story_.one_in(3) ? "shared" : "main");
  const config::Shard& shard = pool.shards[story_.roll(pool.shards.size())];
  Moves::Order order{pool.name, shard.name, shard.backends[story_.roll(shard.backends.size())], 0, story_.one_in(2)};
  if (story_.one_in(2)) order.until_s = static_cast<uint64_t>(story_.now_s()) + 1 + story_.roll(1'800);
  return order;
}

// With --kick or without; back to where rules and hashes send him, too.
void Operators::move_user() {
  const std::string user = any_user();
  std::optional<Moves::Order> order;
  if (!story_.one_in(4)) order = draw_target();
  if (story_.one_in(3)) {
    ++story_.count(Count::moves);
    mover_.apply(user, order);
    return;
  }
  mover_.start(
      {user, [this, user, order] { return mover_.apply(user, order); }, 1'000 + story_.roll(60'000), story_.one_in(2)});
}

void Operators::hold_user() {
  const std::string user = any_user();
  const uint64_t until_ms = story_.now_ms() + 1 + story_.roll(60'000);
  if (!door_.ledger.holds.hold(user, Holds::By::operators, until_ms)) story_.wrong("too many users are on hold");
  oracle_.holds(user, Holds::By::operators, until_ms);
  if (story_.one_in(3)) return;  // it ends by itself
  story_.time.in(story_.roll(70'000), [this, user] {
    oracle_.released(user, Holds::By::operators, door_.ledger.holds.release(user, Holds::By::operators));
  });
}

// Those who are there go, ten at a time; the drain sends them elsewhere.
void Operators::flush() {
  Server& from = world_.any();
  if (flushing_ || from.wanted != Wanted::automatic) return;
  flushing_ = true;
  ++story_.count(Count::flushes);
  want(from, Wanted::drain);
  auto left = std::make_shared<std::vector<std::string>>(logins_.users_at(from));
  for (int i = 0; i < 10; ++i) flush_next(from, left);
  story_.time.in(300'000, [this, &from] {
    want(from, Wanted::automatic);
    flushing_ = false;
  });
}

void Operators::flush_next(Server& from, const std::shared_ptr<std::vector<std::string>>& left) {
  if (left->empty()) return;
  const std::string user = left->back();
  left->pop_back();
  auto move = [this, user] {
    oracle_.unbound(user);
    door_.ledger.affinity.forget(user);
    return true;
  };
  auto next = [this, &from, left](bool) { flush_next(from, left); };
  if (!mover_.start({user, move, 60'000, false, next})) next(false);
}

void Operators::reload() {
  ++story_.count(Count::reloads);
  config::Pool& pool = world_.live.pools[0];
  config::Shard& shard = pool.shards[story_.roll(pool.shards.size())];
  switch (story_.roll(4)) {
    case 0:
      return take_out(pool);
    case 1:
      return begin_transition(shard);
    case 2:
      return change_room();
    default:
      return change_weight(shard);
  }
}

// Of some backends, also of those where somebody waits.
void Operators::change_room() {
  for (config::Backend& each : world_.live.backends) {
    if (story_.one_in(4)) world_.draw_room(each);
  }
  door_.reload();
}

void Operators::change_weight(config::Shard& shard) {
  if (shard.transition.until_s != 0) return;
  const double before = shard.weight;
  shard.weight = 0.5 + static_cast<double>(story_.roll(6)) / 2;
  survey_.reloaded(door_.reload(), shard.name, before, shard.weight);
}

// To another weight, or to none, minute by minute; over is what has become of it.
void Operators::begin_transition(config::Shard& shard) {
  if (shard.transition.until_s != 0) return;
  const int64_t from_s = story_.now_s() + static_cast<int64_t>(story_.roll(120));
  const double weight = static_cast<double>(story_.roll(5)) / 2;
  shard.transition = {weight, from_s, from_s + 120 + static_cast<int64_t>(story_.roll(1'200))};
  const double before = shard.weight;
  survey_.reloaded(door_.reload(), shard.name, before, before);
  survey_.follow(shard.name, before, shard.transition);
}

// A shard goes, or one that went comes back. Its backends stay known: sessions may be there still.
void Operators::take_out(config::Pool& pool) {
  const size_t index = story_.roll(pool.shards.size());
  if (!out_.empty() && story_.one_in(2)) {
    config::Shard back = out_.back();
    out_.pop_back();
    pool.shards.push_back(back);
    return survey_.reloaded(door_.reload(), back.name, 0, back.weight);
  }
  const config::Shard gone = pool.shards[index];
  if (pool.shards.size() < 4 || gone.transition.until_s != 0) return;
  out_.push_back(gone);
  pool.shards.erase(pool.shards.begin() + static_cast<std::ptrdiff_t>(index));
  survey_.reloaded(door_.reload(), gone.name, gone.weight, 0);
}

}  // namespace postigo::sim
