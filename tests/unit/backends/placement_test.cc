// Who may serve a user: an operator's order comes before rules and hashes, for as long as its place is there.
#include "backends/ledger/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postigo {
namespace {

using testing::ElementsAre;

// Pool "main" with shard "a" of a1 and a2, to which a rule sends ann, and shard "b" of b1 and b2; any backend of "all"
// serves any user.
struct PlacementTest : testing::Test {
  config::Live live;
  Moves moves{sip_key("0123456789abcdef")};

  PlacementTest() {
    for (const char* name : {"a1", "a2", "b1", "b2", "c1", "c2"}) {
      config::Backend backend;
      backend.name = backend.host = name;
      backend.ports["imap"] = 143;
      live.backends.push_back(backend);
    }
    config::Pool all{"all", {{"c1", 1.0, {"c1"}}, {"c2", 1.0, {"c2"}}}};
    all.storage = config::Pool::Storage::shared;
    live.pools = {{"main", {{"a", 1.0, {"a1", "a2"}}, {"b", 1.0, {"b1", "b2"}}}}, all};
    live.routing.default_pool = "main";
    live.routing.rules.push_back({"ann", "", "", "", "a"});
  }
  // The names of the candidates; a "!" before the first where an operator has ordered it.
  std::vector<std::string> candidates(int64_t now_s = 0, const char* protocol = "imap") {
    Router router(live);
    Identity ann;
    ann.user = "ann";
    ann.backend = named;
    auto route = place(router, moves, ann, protocol, now_s, true);
    std::vector<std::string> names;
    if (!route) return {route.error().message};
    for (const config::Backend* each : route->candidates) names.push_back(each->name);
    if (route->ordered) names.front().insert(0, "!");
    reason = route->reason;
    shared = route->shared != nullptr;
    return names;
  }
  std::string named;  // a backend, by a directory
  std::string reason;
  bool shared = false;
};

TEST_F(PlacementTest, WithoutAnOrderRulesDecide) {
  moves.set("bob", {"main", "b", "b1", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("a1", "a2"));
  EXPECT_EQ(reason, "rule 1 (user ann)");
}

TEST_F(PlacementTest, AnOrderComesFirstUntilItsTimeIsOver) {
  moves.set("ann", {"main", "b", "b2", 100, false});
  EXPECT_THAT(candidates(99), ElementsAre("!b2", "b1"));
  EXPECT_EQ(reason, "moved by an operator");
  EXPECT_THAT(candidates(100), ElementsAre("a1", "a2"));
}

TEST_F(PlacementTest, AnOrderComesBeforeTheBackendThatADirectoryNames) {
  named = "a2";
  EXPECT_THAT(candidates(), ElementsAre("a2"));
  moves.set("ann", {"main", "b", "b2", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("!b2", "b1"));
}

TEST_F(PlacementTest, AnOrderForAShardLeavesItsOrderOpen) {
  moves.set("ann", {"main", "b", "", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("b1", "b2"));
}

TEST_F(PlacementTest, InASharedPoolHeStaysWhereHeWasSent) {
  moves.set("ann", {"all", "c2", "c2", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("!c2"));
  EXPECT_FALSE(shared);
}

TEST_F(PlacementTest, AnOrderWhosePlaceIsGoneRefusesNobody) {
  moves.set("ann", {"main", "gone", "b1", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("a1", "a2"));
  moves.set("ann", {"gone", "b", "b1", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("a1", "a2"));
  moves.set("ann", {"main", "b", "gone", 0, false});
  EXPECT_THAT(candidates(), ElementsAre("b1", "b2"));
}

TEST_F(PlacementTest, AnOrderToWhereAProtocolIsNotServedIsNotForIt) {
  for (config::Backend& backend : live.backends) {
    if (backend.name.starts_with("a")) backend.ports["pop3"] = 110;
  }
  moves.set("ann", {"main", "b", "b1", 0, false});
  EXPECT_THAT(candidates(0, "pop3"), ElementsAre("a1", "a2"));
}

}  // namespace
}  // namespace postigo
