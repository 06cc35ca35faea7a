// In which order a user's candidates are tried: by health, share, zone and policy.
#include "backends/balance/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "backends/balance/preference.h"

namespace postigo {
namespace {

config::Backend backend_in(const std::string& name, const std::string& zone = "") {
  config::Backend made;
  made.name = made.host = name;
  made.ports["imap"] = 143;
  made.zone = zone;
  return made;
}

std::string user_no(size_t i) { return "user" + std::to_string(i); }

// Pool "private" with one shard of a, b, c; pool "shared" with `count` shards of one backend, m0 to m(count-1).
struct SelectionTest : testing::Test {
  config::Live live;
  std::unique_ptr<Router> router;
  std::map<std::string, Claim, std::less<>> known;  // by name; absent: all is well
  std::string zone;
  uint64_t drawn = 1, turns = 0;

  void build(size_t count, const std::vector<std::string>& zones = {""},
             config::Pool::Policy policy = config::Pool::Policy::rendezvous) {
    live = {};
    for (const char* name : {"a", "b", "c"}) live.backends.push_back(backend_in(name));
    config::Pool apart{"private", {{"s", 1.0, {"a", "b", "c"}}}};
    config::Pool shared;
    shared.name = "shared";
    shared.storage = config::Pool::Storage::shared;
    shared.policy = policy;
    for (size_t i = 0; i < count; ++i) {
      std::string name = "m" + std::to_string(i);
      live.backends.push_back(backend_in(name, zones[i % zones.size()]));
      shared.shards.push_back({name, 1.0, {name}});
    }
    live.pools = {apart, shared};
    router = std::make_unique<Router>(live);
  }
  std::vector<std::string> order(const std::string& who, const std::string& pool) {
    Identity identity;
    identity.user = who;
    identity.pool = pool;
    auto route = router->route(identity, "imap");
    EXPECT_TRUE(route);
    Selection::World world{*router, zone,
                           [this](const config::Backend& each) {
                             auto found = known.find(each.name);
                             return found == known.end() ? Claim{} : found->second;
                           },
                           [this] { return drawn = drawn * 6364136223846793005u + 1442695040888963407u; },
                           [this] { return turns++; }};
    Selection(world).order(*route, who, "imap");
    std::vector<std::string> names;
    for (const config::Backend* each : route->candidates) names.push_back(each->name);
    return names;
  }
  double sessions(const std::string& name) { return static_cast<double>(known[name].sessions); }
  using Names = std::vector<std::string>;
};

TEST_F(SelectionTest, WhoDoesNotServeComesLastAndStays) {
  build(1);
  EXPECT_EQ(order("u", "private"), (Names{"a", "b", "c"}));
  known["a"].serves = false;
  EXPECT_EQ(order("u", "private"), (Names{"b", "c", "a"}));
  known["b"].serves = known["c"].serves = false;
  EXPECT_EQ(order("u", "private"), (Names{"a", "b", "c"})) << "a trial must be possible";
}

TEST_F(SelectionTest, AShareKeepsSomeUsersAway) {
  build(1);
  known["a"].share = 0;
  EXPECT_EQ(order("u", "private"), (Names{"b", "c", "a"}));
  known["a"].share = 30;
  size_t came = 0;
  for (size_t i = 0; i < 2000; ++i) {
    bool his = order(user_no(i), "private").front() == "a";
    EXPECT_EQ(his, in_share(user_no(i), "a", 30)) << "the same users each time";
    came += his ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(came), 600, 80);
  known["b"].serves = known["c"].serves = false;
  EXPECT_EQ(order("u", "private").front(), "a") << "better than nobody";
}

TEST_F(SelectionTest, ZonesOrderAShardAndKeepNobodyOut) {
  build(1);
  live.backends[0].zone = "south";
  live.backends[2].zone = "north";
  router = std::make_unique<Router>(live);
  EXPECT_EQ(order("u", "private"), (Names{"a", "b", "c"})) << "nobody asked for zones";
  zone = "north";
  EXPECT_EQ(order("u", "private"), (Names{"b", "c", "a"}));
  known["b"].serves = known["c"].serves = false;
  EXPECT_EQ(order("u", "private").front(), "a");
}

// Whoever serves any user goes on over the other shards, and only the users of one that is down move.
TEST_F(SelectionTest, ASharedPoolFailsOverAcrossShardsByHash) {
  build(10);
  std::map<std::string, Names> before;
  for (size_t i = 0; i < 500; ++i) before[user_no(i)] = order(user_no(i), "shared");
  EXPECT_EQ(before[user_no(0)].size(), Selection::kCandidatesMax);
  known["m3"].serves = false;
  std::set<std::string> heirs;
  for (const auto& [who, names] : before) {
    Names now = order(who, "shared");
    EXPECT_EQ(now.front(), names.front() == "m3" ? names[1] : names.front());
    if (names.front() == "m3") heirs.insert(now.front());
    EXPECT_EQ(std::set<std::string>(now.begin(), now.end()).size(), now.size()) << "nobody twice";
  }
  EXPECT_GT(heirs.size(), 5u) << "they spread over all others";
}

TEST_F(SelectionTest, APrivatePoolNeverLeavesItsShard) {
  build(10);
  for (const char* name : {"a", "b", "c"}) known[name].serves = false;
  EXPECT_EQ(order("u", "private"), (Names{"a", "b", "c"}));
}

TEST_F(SelectionTest, OneThatServesIsFoundAmongManyThatDoNot) {
  for (auto policy :
       {config::Pool::Policy::rendezvous, config::Pool::Policy::least_sessions, config::Pool::Policy::round_robin}) {
    build(200, {""}, policy);
    for (size_t i = 0; i < 200; ++i) known["m" + std::to_string(i)].serves = i == 77;
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(order(user_no(i), "shared").front(), "m77");
    known["m77"].serves = false;
    EXPECT_FALSE(order("u", "shared").empty()) << "a trial must be possible";
  }
}

TEST_F(SelectionTest, RoundRobinIsEven) {
  build(4, {""}, config::Pool::Policy::round_robin);
  std::map<std::string, int> came;
  for (size_t i = 0; i < 400; ++i) ++came[order("same", "shared").front()];
  for (const auto& [name, count] : came) EXPECT_EQ(count, 100) << name;
}

// The longest and the shortest differ little, although each login looks at two backends only; weights count.
TEST_F(SelectionTest, LeastSessionsFillsByWeight) {
  build(8, {""}, config::Pool::Policy::least_sessions);
  live.pools[1].shards[0].weight = 2;
  router = std::make_unique<Router>(live);
  for (size_t i = 0; i < 9000; ++i) ++known[order(user_no(i), "shared").front()].sessions;
  for (size_t i = 1; i < 8; ++i) EXPECT_NEAR(sessions("m" + std::to_string(i)), 1000, 60) << i;
  EXPECT_NEAR(sessions("m0"), 2000, 120);
}

TEST_F(SelectionTest, OwnZoneFirstAndSpillByThreshold) {
  for (auto policy :
       {config::Pool::Policy::rendezvous, config::Pool::Policy::least_sessions, config::Pool::Policy::round_robin}) {
    known.clear();
    build(20, {"north", "south"}, policy);
    live.pools[1].zone_spill = 70;
    router = std::make_unique<Router>(live);
    zone = "north";
    auto away = [&] {
      size_t count = 0;
      for (size_t i = 0; i < 1000; ++i) {
        count += static_cast<size_t>(order(user_no(i), "shared").front().back() - '0') % 2;  // odd: south
      }
      return count;
    };
    EXPECT_EQ(away(), 0u);
    for (size_t i : {0u, 2u, 4u}) known["m" + std::to_string(i)].serves = false;
    EXPECT_EQ(away(), 0u) << "7 of 10 serve";
    for (size_t i : {6u, 8u, 10u}) known["m" + std::to_string(i)].serves = false;
    EXPECT_NEAR(static_cast<double>(away()), 1000 - 1000.0 * 40 / 70, 80) << "4 of 10 serve";
    for (size_t i = 0; i < 20; i += 2) known["m" + std::to_string(i)].serves = false;
    EXPECT_EQ(away(), 1000u);
  }
}

}  // namespace
}  // namespace postigo
