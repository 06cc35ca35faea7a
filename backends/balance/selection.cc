// The order of candidates. Not here: who may serve whom (router.cc), whether a login is let in at one that is down
// (shared_health.cc, when its turn comes).
#include "backends/balance/selection.h"

#include <algorithm>

#include "backends/balance/preference.h"

namespace postigo {
namespace {

// Behind a number that is less: first who serves, and of those first who is here and has this user in his share.
enum Place : uint8_t { first, elsewhere, not_his, not_serving };

}  // namespace

void Selection::order(Route& route, Bytes user, std::string_view protocol) const {
  route.shared == nullptr ? order_shard(route, user) : order_pool(route, user, protocol);
}

void Selection::order_shard(Route& route, Bytes user) const {
  if (route.candidates.size() < 2) return;
  std::vector<std::pair<Place, const config::Backend*>> places;
  bool moved = false;
  for (const config::Backend* each : route.candidates) {
    Claim now = world_.claim(*each);
    bool his = now.share >= 100 || in_share(user, each->name, now.share);
    places.emplace_back(!now.serves ? not_serving : !his ? not_his : !here(*each) ? elsewhere : first, each);
    moved = moved || places.back().first != places.front().first;
  }
  if (!moved) return;
  std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < places.size(); ++i) route.candidates[i] = places[i].second;
}

// Of our zone's backends so few serve that the others would be overrun: a part of the users goes elsewhere, the same
// ones each time.
bool Selection::stays_in_zone(const Route& route, Bytes user, std::string_view protocol) const {
  size_t ours = 0, serving = 0;
  for (const config::Backend* each : world_.router.members(route, protocol)) {
    if (!here(*each)) continue;
    ++ours;
    if (world_.claim(*each).serves) ++serving;
  }
  if (ours == 0) return false;
  size_t percent = std::min<size_t>(100, 100 * 100 * serving / (ours * route.shared->zone_spill));
  return percent >= 100 || in_share(user, world_.zone, static_cast<unsigned>(percent));
}

void Selection::order_pool(Route& route, Bytes user, std::string_view protocol) const {
  bool zones = !world_.zone.empty();
  bool stays = !zones || stays_in_zone(route, user, protocol);
  Candidates order;
  auto add = [&](const std::function<bool(const config::Backend&)>& wanted) {
    if (order.size() >= kCandidatesMax) return;
    auto fresh = [&](const config::Backend& each) {
      return std::find(order.begin(), order.end(), &each) == order.end() && wanted(each);
    };
    bool by_hash = route.shared->policy == config::Pool::Policy::rendezvous;
    Candidates more = by_hash ? world_.router.rank(route, user, protocol, kCandidatesMax - order.size(), fresh)
                              : lottery(route, protocol, fresh);
    order.insert(order.end(), more.begin(), more.end());
  };
  auto serves = [&](const config::Backend& each) {
    Claim now = world_.claim(each);
    return now.serves && (now.share >= 100 || in_share(user, each.name, now.share));
  };
  if (zones) add([&](const config::Backend& each) { return serves(each) && here(each) == stays; });
  add(serves);
  add([&](const config::Backend& each) { return world_.claim(each).serves; });
  if (order.empty()) add([](const config::Backend&) { return true; });
  if (order.size() > kCandidatesMax) order.resize(kCandidatesMax);
  route.candidates = std::move(order);
}

// Each in turn, or the less busy one of two; then others as they come.
Selection::Candidates Selection::lottery(const Route& route, std::string_view protocol,
                                         const std::function<bool(const config::Backend&)>& wanted) const {
  Candidates members;
  for (const config::Backend* each : world_.router.members(route, protocol)) {
    if (wanted(*each)) members.push_back(each);
  }
  if (members.size() < 2) return members;
  bool in_turn = route.shared->policy == config::Pool::Policy::round_robin;
  auto first = in_turn ? members.begin() + static_cast<std::ptrdiff_t>(world_.turn() % members.size())
                       : std::find(members.begin(), members.end(), less_busy(route, members));
  std::rotate(members.begin(), first, members.end());
  return members;
}

// Power of two choices: nobody is overrun by all who have seen that he is the least busy one.
const config::Backend* Selection::less_busy(const Route& route, const Candidates& members) const {
  uint64_t drawn = world_.dice();
  size_t a = (drawn >> 32) % members.size();
  size_t b = (a + 1 + (drawn & 0xffffffff) % (members.size() - 1)) % members.size();
  auto load = [&](const config::Backend& each) {
    Claim now = world_.claim(each);
    return static_cast<double>(now.sessions + 1) / world_.router.weight(route, each);
  };
  return load(*members[b]) < load(*members[a]) ? members[b] : members[a];
}

}  // namespace postigo
