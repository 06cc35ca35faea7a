// One login or session at a time. Not here: what is looked at from time to time (oracle_bounds.cc).
#include "tests/sim/oracle.h"

#include <algorithm>

namespace postigo::sim {
namespace {

// After so long a backend that is well again has been found: the longest time between trials, with its jitter, as
// often as it must succeed, and its slow start.
constexpr uint64_t kFoundAgainMs = 120'000;
constexpr uint64_t kLoginEndsMs = 60'000;  // login_timeout

bool is_over(const Moves::Order& order, int64_t now_s) {
  return order.until_s != 0 && order.until_s <= static_cast<uint64_t>(now_s);
}

}  // namespace

Oracle::Oracle(Story& story, World& world, Door& door)
    : limits(story, door.rules), story_(story), world_(world), door_(door) {}

void Oracle::holds(const std::string& user, Holds::By by, uint64_t until_ms) {
  holds_[user][static_cast<size_t>(by)] = until_ms;
}

// What has lapsed may be forgotten already, or not yet.
void Oracle::released(const std::string& user, Holds::By by, bool was_there) {
  uint64_t& until_ms = holds_[user][static_cast<size_t>(by)];
  if (until_ms > story_.now_ms() && !was_there) story_.wrong(user + " was not on hold any more");
  if (until_ms == 0 && was_there) story_.wrong(user + " was on hold, and nobody holds him");
  until_ms = 0;
}

void Oracle::ordered(const std::string& user, const std::optional<Moves::Order>& order) {
  if (!order) {
    orders_.erase(user);
  } else {
    orders_[user] = *order;
  }
}

std::optional<Moves::Order> Oracle::order_of(const std::string& user) const {
  auto found = orders_.find(user);
  if (found == orders_.end() || is_over(found->second, story_.now_s())) return std::nullopt;
  return found->second;
}

void Oracle::closed(const std::string& user, size_t left) {
  if (left > 0 || has_sessions(user)) story_.wrong(user + " is moved, and somebody has his mailbox open");
  closed_.insert(user);
}

void Oracle::began(const Login&) { ++under_way_; }

void Oracle::asked_hold(const std::string& user, bool answer) {
  auto found = holds_.find(user);
  bool should = found != holds_.end() && std::any_of(found->second.begin(), found->second.end(),
                                                     [&](uint64_t until_ms) { return until_ms > story_.now_ms(); });
  if (should != answer) story_.wrong(user + (should ? " is on hold and may come in" : " waits for nobody"));
}

// Of all that may serve him nobody is surely better than the first one. Better is, in this order: to serve, to have him
// in its share, to stand where he is to be. What a draw decides may be either way.
void Oracle::arranged(const Route& route, const std::string& user) {
  if (route.ordered) return;
  const Zone zone = zone_of(route);
  auto rank = [&](const Server& server, bool at_best) {
    const Claim now = door_.claim(server);
    const std::string& its = world_.live.backends[server.slot].zone;
    bool here = world_.live.zone.empty() || its.empty() || its == world_.live.zone;
    bool his = at_best ? now.share > 0 : now.share >= 100;
    bool placed = zone == Zone::either ? at_best : here == (zone == Zone::ours);
    return !now.serves ? 3 : !his ? 2 : !placed ? 1 : 0;
  };
  const Server& first = world_.of(route.candidates.front()->name);
  for (const Server* each : who_may_serve(route)) {
    if (rank(*each, false) >= rank(first, true)) continue;
    return story_.wrong(user + " is sent to " + first.name + " first, and " + each->name + " would be better");
  }
}

std::vector<const Server*> Oracle::who_may_serve(const Route& route) const {
  std::vector<const Server*> all;
  if (route.shared != nullptr) {
    for (const std::string& name : world_.members(world_.pool(route.pool))) all.push_back(&world_.of(name));
  } else {
    for (const config::Backend* each : route.candidates) all.push_back(&world_.of(each->name));
  }
  return all;
}

// In a shared pool users leave our zone where too few serve there.
Oracle::Zone Oracle::zone_of(const Route& route) const {
  if (route.shared == nullptr || world_.live.zone.empty()) return Zone::ours;
  size_t ours = 0, serve = 0;
  for (const Server* each : who_may_serve(route)) {
    const std::string& its = world_.live.backends[each->slot].zone;
    if (!its.empty() && its != world_.live.zone) continue;
    ++ours;
    if (door_.claim(*each).serves) ++serve;
  }
  if (ours == 0 || serve == 0) return Zone::theirs;
  return serve * 100 >= ours * route.shared->zone_spill ? Zone::ours : Zone::either;
}

// For some time after his last session he comes back to where that was, if he may still be there.
void Oracle::check_rest(const Login& login) {
  const std::string& user = login.who.user;
  auto found = resting_.find(user);
  const Route& route = login.way->route();
  if (found == resting_.end() || has_sessions(user) || !world_.pool(route.pool).affinity) return;
  const Rest& rest = found->second;
  auto all = who_may_serve(route);
  bool may = std::any_of(all.begin(), all.end(), [&](const Server* each) { return each->name == rest.backend; });
  bool is = login.way->candidate().name == rest.backend;
  bool must = may && !route.ordered && story_.now_ms() < rest.until_ms;
  if (must && !is) story_.wrong(user + " does not come back to " + rest.backend);
  if (!is) resting_.erase(found);
}

// Where an operator sent him, unless sessions of his are elsewhere, or that place is not there any more.
void Oracle::placed(Login& login) {
  login.home.clear();
  check_rest(login);
  auto order = order_of(login.who.user);
  if (door_.ledger.moves.find(login.who.user, static_cast<uint64_t>(story_.now_s())) != order) {
    story_.wrong(login.who.user + " has an order that nobody gave, or none any more");
  }
  if (!order || has_sessions(login.who.user)) return;
  for (const config::Shard& shard : world_.pool(order->pool).shards) {
    if (shard.name == order->shard) login.home = shard.backends;
  }
  const std::string& to = login.way->candidate().name;
  if (!login.home.empty() && to != order->backend) story_.wrong(login.who.user + " is not to be at " + to);
}

// Nobody is sent to one that is down, or that operators have taken out, unless his sessions are there, or his login is
// the one trial.
void Oracle::chosen(const Login& login, const Server& to, Health::Trial trial) {
  const SharedHealth& health = to.belief->health;
  bool held = login.way->is_held();
  if (!takes_logins(to.wanted) && !(held && to.wanted == Wanted::drain)) {
    story_.wrong(login.who.user + " was sent to " + to.name + ", which is taken out");
  }
  if (to.wanted != Wanted::automatic || trial != 0 || health.calm()) return;
  if (health.view(story_.now_ms()).state == HealthState::down) {
    story_.wrong(login.who.user + " was sent to " + to.name + ", which is down");
  }
}

void Oracle::trial(const Server& server, unsigned under_way) {
  if (under_way > 1) story_.wrong("two trials at once at " + server.name);
}

// The longer it is down, the rarer it is tried: here a few doublings, and then the longest time with its jitter.
void Oracle::tried_in_vain(const Server& server, const Belief& belief) {
  const uint64_t passed_ms = story_.now_ms() - belief.fell_ms;
  const uint64_t most = 8 + passed_ms / (world_.terms.retry_max_ms * 2 / 3);
  if (belief.trials > most) story_.wrong(server.name + " is tried too often");
}

// Nobody is refused while a backend of his has been well for long.
void Oracle::refused(const Login& login) {
  if (login.waiting || !login.way || login.way->is_held()) return;
  const Route& route = login.way->route();
  const config::Pool& pool = world_.pool(route.pool);
  bool may_have_to_wait = pool.affinity && pool.affinity_down == config::AffinityDown::wait;
  if (story_.now_ms() >= login.began_ms + kLoginEndsMs) return;  // it took too long
  if (may_have_to_wait || login.asked.size() >= Selection::kCandidatesMax) return;
  for (const config::Backend* each : route.candidates) {
    const Server& one = world_.of(each->name);
    bool well = one.is_well_since(login.began_ms - std::min(login.began_ms, kFoundAgainMs));
    bool tried = std::find(login.asked.begin(), login.asked.end(), &one) != login.asked.end();
    if (!well || tried || !one.is_wanted_since(login.began_ms)) continue;
    std::string tried_names;
    for (const Server* other : login.asked) tried_names += ' ' + other->name;
    story_.wrong(login.who.user + " was refused after" + tried_names + ", and " + one.name + " is well");
  }
}

// Whoever waits, for whatever, hears something within the time and the patience of one connection more.
void Oracle::check_time(const Login& login) {
  constexpr uint64_t kConnectionMs = 10'000;
  if (story_.now_ms() > login.began_ms + kLoginEndsMs + kConnectionMs)
    story_.wrong(login.who.user + " waits for too long");
}

void Oracle::gone(Login& login) {
  --under_way_;
  check_time(login);
  limits.left(login.who);
}

void Oracle::entered(const Login& login, Session& session) {
  --under_way_;
  check_time(login);
  ++sessions_;
  const std::string& user = session.who.user;
  const Server& at = *session.at;
  if (is_closed(user)) story_.wrong(user + " came in while his mailbox was on its way");
  bool alone = !has_sessions(user);
  if (session.bond != nullptr) {
    ++bound_;
    Pin& pin = pins_[user];
    if (pin.count++ == 0) pin.slot = at.slot;
    if (pin.slot != at.slot) story_.wrong(user + " is at " + at.name + " and at another one");
    if (session.bond->backend() != at.slot) story_.wrong(user + " is bound elsewhere than to " + at.name);
  } else {
    ++loose_[user];
    if (world_.pool(login.way->route().pool).affinity) story_.wrong(user + " came in, and nothing binds him");
  }
  bool astray = std::find(login.home.begin(), login.home.end(), at.name) == login.home.end();
  if (alone && !login.home.empty() && astray) story_.wrong(user + " is at " + at.name + ", where his mailbox is not");
}

void Oracle::left(Session& session) {
  --sessions_;
  limits.left(session.who);
  const std::string& user = session.who.user;
  if (session.bond == nullptr) {
    if (--loose_[user] == 0) loose_.erase(user);
    return;
  }
  --bound_;
  if (--pins_[user].count > 0) return;
  pins_.erase(user);
  resting_[user] = {session.at->name, story_.now_ms() + config::Pool().affinity_time_ms};
}

// All within the time, and nowhere many more than their part of it.
void Oracle::depart(const Server& server, const std::vector<uint64_t>& when_ms, uint64_t over_ms) {
  const uint64_t now_ms = story_.now_ms();
  bool alone = server.lost_ms == 0 || server.lost_ms + 2 * over_ms < now_ms;  // no others depart from there meanwhile
  std::array<uint64_t, 10> parts{};
  for (uint64_t ms : when_ms) {
    if (ms < now_ms || ms > now_ms + over_ms) return story_.wrong("a session departs too late");
    ++parts[std::min<uint64_t>(9, (ms - now_ms) * 10 / over_ms)];
  }
  const uint64_t most = *std::max_element(parts.begin(), parts.end());
  if (alone && most > when_ms.size() / 10 + Departures::kFew + 1) story_.wrong("many depart at once");
}

}  // namespace postigo::sim
