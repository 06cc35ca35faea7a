// One login's way through its candidates, with other logins of the same user beside it.
#include "backends/ledger/candidates.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "backends/ledger/affinity.h"

namespace postigo {
namespace {

constexpr uint64_t kSoonMs = 1'000;

// Backends a, b and c, whose slots are their places.
struct CandidatesTest : testing::Test {
  uint64_t now_ms = 1'000;
  std::deque<config::Backend> backends;
  Affinity affinity{100, sip_key("0123456789abcdef"), [this] { return now_ms; }};

  CandidatesTest() {
    for (const char* name : {"a", "b", "c"}) {
      backends.emplace_back();
      backends.back().name = name;
    }
  }
  static bool in(Candidates& way) { return way.settle() == Bonds::Answer::yes; }
  static bool goes_on(Candidates& way) { return way.go_on() == Bonds::Answer::yes; }
  static bool goes_on(Candidates&& way) { return goes_on(way); }
  // `order`: of the route's candidates, "ab"; `ordered`: by an operator.
  Candidates bound(const std::string& order, bool ordered = false, bool waits = false) {
    Route route;
    for (char name : order) route.candidates.push_back(&backends[static_cast<size_t>(name - 'a')]);
    route.ordered = ordered;
    Candidates way(std::move(route),
                   {[](const config::Backend& each) { return static_cast<uint32_t>(each.name[0] - 'a'); },
                    [this](Bonds::Slot slot) { return &backends[slot]; }});
    way.bind(affinity, "ann", {kSoonMs, waits});
    return way;
  }
};

// His home is where his mail is, whichever backend comes first for now.
TEST_F(CandidatesTest, WhoIsNotAtHomeIsCountedAsAway) {
  const auto comes_in = [this](char home) {
    Route route;
    route.candidates = {&backends[1], &backends[0]};
    if (home != 0) route.home = &backends[static_cast<size_t>(home - 'a')];
    Candidates way(std::move(route),
                   {[](const config::Backend& each) { return static_cast<uint32_t>(each.name[0] - 'a'); },
                    [this](Bonds::Slot slot) { return &backends[slot]; }});
    way.bind(affinity, "bob", {kSoonMs, false});
    EXPECT_TRUE(in(way));
    return affinity.away();
  };
  EXPECT_EQ(comes_in('a'), 1u);
  EXPECT_EQ(comes_in('b'), 0u);
  EXPECT_EQ(comes_in(0), 0u) << "any backend of the pool has it";
}

TEST_F(CandidatesTest, EachIsTriedOnceInOrder) {
  Candidates way = bound("abc");
  EXPECT_EQ(way.candidate().name, "a");
  ASSERT_TRUE(goes_on(way));
  EXPECT_EQ(way.candidate().name, "b");
  ASSERT_TRUE(goes_on(way));
  EXPECT_EQ(way.candidate().name, "c");
  EXPECT_FALSE(goes_on(way));
}

TEST_F(CandidatesTest, WhoeverComesLaterGoesWhereTheFirstOneGoes) {
  Candidates first = bound("ab"), second = bound("ba");
  EXPECT_EQ(second.candidate().name, "a");
  EXPECT_TRUE(in(first));
  auto session = first.take_bond();
  EXPECT_TRUE(bound("ba").is_held());
  EXPECT_TRUE(in(second));
}

TEST_F(CandidatesTest, WithASessionThereHeHasToStay) {
  Candidates first = bound("ab");
  ASSERT_TRUE(in(first));
  auto session = first.take_bond();
  Candidates second = bound("ba");
  EXPECT_EQ(second.candidate().name, "a");
  EXPECT_FALSE(goes_on(second));
  session.reset();
  EXPECT_TRUE(goes_on(bound("ba"))) << "the bond outlives it, and holds nobody";
}

TEST_F(CandidatesTest, WhereThePoolWaitsABondHolds) {
  {
    Candidates first = bound("ab");
    ASSERT_TRUE(in(first));
  }
  EXPECT_FALSE(goes_on(bound("ab", false, true)));
  now_ms += kSoonMs;
  EXPECT_TRUE(goes_on(bound("ab", false, true))) << "there is none any more";
}

// The other one's choice counts, though this one is in already.
TEST_F(CandidatesTest, ALoginThatWasLeftBehindFollows) {
  Candidates first = bound("ab"), second = bound("ab");
  ASSERT_TRUE(goes_on(second));
  EXPECT_FALSE(in(first));
  ASSERT_TRUE(goes_on(first));
  EXPECT_EQ(first.candidate().name, "b");
  EXPECT_TRUE(in(first));
  EXPECT_TRUE(in(second));
}

// The other one was not let in where this one was, because it is full; and where it went nobody serves. What this one
// had to leave is well, and there it is served at last.
TEST_F(CandidatesTest, WhatWasLeftBehindHasNotFailed) {
  Candidates first = bound("ab"), second = bound("ab");
  ASSERT_TRUE(goes_on(second));
  EXPECT_FALSE(in(first));
  ASSERT_TRUE(goes_on(first));
  EXPECT_EQ(first.candidate().name, "b");
  EXPECT_FALSE(goes_on(second)) << "it has been everywhere";
  second.release();
  ASSERT_TRUE(goes_on(first));
  EXPECT_EQ(first.candidate().name, "a");
  EXPECT_TRUE(in(first));
}

// An operator wants him at a, which is dead: the first two logins have found out and are on their way to b, when a
// third one comes and moves him to a again. Nobody is refused while b serves.
TEST_F(CandidatesTest, ALoginThatComesLateDoesNotTurnOthersBackToWhereTheyFailed) {
  Candidates first = bound("ab", true), second = bound("ab", true);
  ASSERT_TRUE(goes_on(first));
  ASSERT_TRUE(goes_on(second));
  Candidates third = bound("ab", true);
  EXPECT_EQ(third.candidate().name, "a");
  EXPECT_FALSE(in(first));
  ASSERT_TRUE(goes_on(first)) << "b serves";
  EXPECT_EQ(first.candidate().name, "b");
  EXPECT_TRUE(in(first));
  EXPECT_TRUE(in(second)) << "called back before it knew";
  ASSERT_TRUE(goes_on(third));
  EXPECT_EQ(third.candidate().name, "b");
  EXPECT_TRUE(in(third));
}

// Unless that one has got in: then a is well again, and he is there.
TEST_F(CandidatesTest, ButFollowsWhoHasGotInThere) {
  Candidates first = bound("ab", true);
  ASSERT_TRUE(goes_on(first));
  Candidates third = bound("ab", true);
  ASSERT_TRUE(in(third));
  EXPECT_FALSE(in(first));
  ASSERT_TRUE(goes_on(first));
  EXPECT_EQ(first.candidate().name, "a");
  EXPECT_TRUE(in(first));
}

TEST_F(CandidatesTest, LoginsThatMoveEachOtherComeToAnEnd) {
  Candidates first = bound("ab", true);
  ASSERT_TRUE(goes_on(first));
  int turns = 0;
  do {
    Candidates again = bound("ab", true);
    if (in(first) || !goes_on(first)) break;
  } while (++turns < 10);
  EXPECT_LT(turns, 10);
}

// In a shared pool any backend serves any user, also one that his route does not name first this time.
TEST_F(CandidatesTest, InASharedPoolABondHoldsAtEachOfItsBackends) {
  config::Live live;
  config::Pool all, apart;
  all.name = "all";
  apart.name = "apart";
  all.storage = config::Pool::Storage::shared;
  for (const char* name : {"a", "b", "c", "d"}) {
    live.backends.emplace_back();
    live.backends.back().name = name;
    live.backends.back().ports["imap"] = 143;
    config::Pool& pool = *name == 'd' ? apart : all;
    pool.shards.push_back({name, 1.0, {name}});
  }
  live.pools = {all, apart};
  Router router(live);
  auto bound_to = [&](size_t first) {
    Identity ann;
    ann.user = "ann";
    auto route = router.route(ann, "imap");
    EXPECT_TRUE(route && route->shared != nullptr);
    route->candidates = {&router.backend(first)};
    Candidates way(std::move(*route),
                   {[&](const config::Backend& each) { return static_cast<uint32_t>(router.index(each)); },
                    [&](Bonds::Slot slot) { return &router.backend(slot); }});
    way.bind(affinity, "ann", {kSoonMs, false});
    std::string name = way.candidate().name;
    EXPECT_TRUE(in(way));
    return name;
  };
  EXPECT_EQ(bound_to(2), "c");
  EXPECT_EQ(bound_to(0), "c") << "he was there a moment ago";
  affinity.forget("ann");
  EXPECT_EQ(bound_to(3), "d");
  EXPECT_EQ(bound_to(0), "a") << "that is none of the pool's";
  now_ms += kSoonMs;
  EXPECT_EQ(bound_to(1), "b");
}

}  // namespace
}  // namespace postigo
