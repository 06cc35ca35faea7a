// Not here: single users (oracle.cc).
#include "tests/sim/survey.h"

#include <algorithm>
#include <cmath>

namespace postigo::sim {
namespace {

constexpr size_t kUsers = 3'000;
constexpr size_t kUsersOfCourse = 500;
constexpr double kSlack = 0.1;   // of the ideal
constexpr double kSigmas = 6.5;  // so that a million of honest surveys hold

std::string name_of(size_t user) { return "m" + std::to_string(user); }

double weight_at(const config::Shard& shard, int64_t now_s) {
  const config::Transition& change = shard.transition;
  if (change.until_s == 0) return shard.weight;
  const int64_t now = now_s / 60, from = change.from_s / 60, until = change.until_s / 60;
  if (now <= from) return shard.weight;
  if (now >= until) return change.weight;
  return shard.weight +
         (change.weight - shard.weight) * static_cast<double>(now - from) / static_cast<double>(until - from);
}

// The same file, as another hand has written it.
config::Live shuffled(config::Live live, std::mt19937_64& random) {
  std::shuffle(live.backends.begin(), live.backends.end(), random);
  for (config::Pool& pool : live.pools) std::shuffle(pool.shards.begin(), pool.shards.end(), random);
  return live;
}

}  // namespace

Survey::Survey(Story& story, World& world, Door& door) : story_(story), world_(world), door_(door) {}

std::string Survey::shard_of(const Router& router, size_t user, int64_t now_s) const {
  return std::string(router.route(verified(name_of(user), "main"), "imap", now_s)->shard);
}

double Survey::sum_of_weights(int64_t now_s) const {
  double sum = 0;
  for (const config::Shard& shard : world_.live.pools[0].shards) sum += weight_at(shard, now_s);
  return sum;
}

void Survey::check_share(const std::string& what, double share, double ideal, size_t of) {
  const double noise = kSigmas * std::sqrt(ideal * (1 - ideal) / static_cast<double>(of)) + 1 / static_cast<double>(of);
  if (std::abs(share - ideal) <= kSlack * ideal + noise) return;
  story_.wrong(what + ": " + std::to_string(share) + " of the users, not " + std::to_string(ideal));
}

// Who moves: the difference of the shard's part, to it or from it, as no other two exchange anybody.
void Survey::reloaded(const Router& router_before, const std::string& shard, double before, double after) {
  const int64_t now_s = story_.now_s();
  const double sum = sum_of_weights(now_s);
  const double ideal = std::abs(after / sum - before / (sum - after + before));
  size_t moved = 0;
  for (size_t user = 0; user < kUsers; ++user) {
    const std::string was = shard_of(router_before, user, now_s), is = shard_of(door_.router(), user, now_s);
    if (was == is) continue;
    ++moved;
    if ((after > before ? is : was) != shard) story_.wrong("a user moved from " + was + " to " + is + " for " + shard);
  }
  check_share("moved for " + shard, static_cast<double>(moved) / kUsers, ideal, kUsers);
  story_.numbers.moved += static_cast<double>(moved);
  story_.numbers.moved_ideal += ideal * kUsers;
}

// No other shard changes meanwhile, which would move users of this one, too.
bool Survey::is_alone(const std::string& shard, const config::Transition& transition) const {
  const auto& shards = world_.live.pools[0].shards;
  return std::none_of(shards.begin(), shards.end(), [&](const config::Shard& each) {
    return each.name != shard && each.transition.until_s > transition.from_s - 120;
  });
}

void Survey::follow(const std::string& shard, double weight, const config::Transition& transition) {
  const Router ours(world_.live), other(shuffled(world_.live, story_.random));
  const int64_t length_s = transition.until_s - transition.from_s, step_s = std::max<int64_t>(60, length_s / 5);
  const bool alone = is_alone(shard, transition);
  std::vector<bool> there(kUsersOfCourse), first(kUsersOfCourse, true);
  for (int64_t at_s = transition.from_s - 60; at_s < transition.until_s + 60 + step_s; at_s += step_s) {
    const int64_t minute_s = at_s - at_s % 60;
    size_t count = 0;
    for (size_t user = 0; user < kUsersOfCourse; ++user) {
      const std::string place = shard_of(ours, user, minute_s);
      // Doors whose clocks differ by less than a minute, in the same one.
      if (shard_of(other, user, minute_s + 59) != place) story_.wrong("two doors place a user differently");
      bool is = place == shard;
      count += is ? 1 : 0;
      bool back = alone && !first[user] && is != there[user] && is != (transition.weight > weight);
      if (back) story_.wrong("a user goes to and fro while " + shard + " is in transition");
      there[user] = is;
      first[user] = false;
    }
    const config::Pool& pool = world_.live.pools[0];
    auto found =
        std::find_if(pool.shards.begin(), pool.shards.end(), [&](const auto& each) { return each.name == shard; });
    check_share("in transition at " + shard, static_cast<double>(count) / kUsersOfCourse,
                weight_at(*found, minute_s) / sum_of_weights(minute_s), kUsersOfCourse);
  }
}

void Survey::look() {
  check_doors();
  check_zone();
  check_weight();
}

// What does not depend on beliefs is the same at each.
void Survey::check_doors() {
  const Router other(shuffled(world_.live, story_.random));
  for (size_t i = 0; i < 100; ++i) {
    const size_t user = story_.roll(1'000'000);
    for (const char* pool : {"main", "shared", "spread"}) {
      const Identity who = verified(name_of(user), pool);
      auto one = door_.router().route(who, "imap", story_.now_s()), two = other.route(who, "imap", story_.now_s());
      if (one->candidates.front()->name != two->candidates.front()->name) {
        story_.wrong("two doors send " + who.user + " to different backends");
      }
    }
  }
}

// Where so few serve in our zone that a part of the users is to leave it, so many do.
void Survey::check_zone() {
  const std::string& zone = world_.live.zone;
  if (zone.empty()) return;
  const config::Pool& pool = world_.pool("shared");
  size_t ours = 0, serve = 0, wholly_here = 0, wholly_elsewhere = 0;
  for (const std::string& name : world_.members(pool)) {
    const std::string& its = world_.live.backends[world_.of(name).slot].zone;
    const Claim now = door_.claim(world_.of(name));
    bool here = its.empty() || its == zone, wholly = now.serves && now.share >= 100;
    ours += here ? 1 : 0;
    if (here && now.serves) ++serve;
    if (wholly) ++(here ? wholly_here : wholly_elsewhere);
  }
  if (ours == 0 || wholly_here == 0 || wholly_elsewhere == 0) return;
  const double part = static_cast<double>(serve) / static_cast<double>(ours) * 100 / pool.zone_spill;
  constexpr size_t kSample = 1'000;
  size_t left = 0;
  for (size_t user = 0; user < kSample; ++user) {
    auto route = door_.route(name_of(user), "shared");
    const std::string& its = route->candidates.front()->zone;
    if (!its.empty() && its != zone) ++left;
  }
  check_share("leave their zone", static_cast<double>(left) / kSample, std::max(0.0, 1 - part) + 0.005, kSample);
}

// One that is to have only some of its users has so many of them.
void Survey::check_weight() {
  const config::Pool& pool = world_.pool("shared");
  for (const std::string& name : world_.members(pool)) {
    const Server& server = world_.of(name);
    if (server.weight >= 100 || !takes_logins(server.wanted) || !server.belief->health.calm()) continue;
    if (!world_.live.zone.empty()) continue;
    size_t its = 0, kept = 0;
    for (size_t user = 0; user < kUsers; ++user) {
      const Identity who = verified(name_of(user), "shared");
      if (door_.router().route(who, "imap", story_.now_s())->candidates.front()->name != name) continue;
      ++its;
      if (door_.route(who.user, "shared")->candidates.front()->name == name) ++kept;
    }
    bool only = std::none_of(pool.shards.begin(), pool.shards.end(), [&](const config::Shard& shard) {
      const Claim other = door_.claim(world_.of(shard.backends.front()));
      return shard.name != name && other.serves && other.share >= 100;
    });
    if (its < 50 || only) continue;
    check_share("stay with " + name, static_cast<double>(kept) / static_cast<double>(its), server.weight / 100.0, its);
  }
}

}  // namespace postigo::sim
