// Orders of operators for single users, and holds: until when, how many, and what an expired one is worth.
#include "backends/ledger/moves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/ledger/holds.h"

namespace postigo {
namespace {

constexpr SipKey kMovesKey = sip_key("0123456789abcdef");

TEST(MovesTest, TheNewestOrderCountsUntilItsTimeIsOver) {
  Moves moves(kMovesKey);
  EXPECT_FALSE(moves.find("alice", 0));
  EXPECT_TRUE(moves.set("alice", {"main", "a", "a1", 0, false}));
  EXPECT_TRUE(moves.set("alice", {"main", "b", "", 100, true}));
  EXPECT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves.find("alice", 99), (Moves::Order{"main", "b", "", 100, true}));
  EXPECT_FALSE(moves.find("alice", 100));
  EXPECT_FALSE(moves.find("bob", 0));
  EXPECT_TRUE(moves.forget("alice"));
  EXPECT_FALSE(moves.forget("alice"));
  EXPECT_EQ(moves.size(), 0u);
}

TEST(MovesTest, AVisitForgetsWhoseTimeIsOver) {
  Moves moves(kMovesKey);
  moves.set("alice", {"main", "a", "", 100, true});
  moves.set("bob", {"main", "a", "", 0, true});
  std::vector<std::string> users;
  moves.visit(100, [&](Bytes user, const Moves::Order&) { users.emplace_back(user); });
  EXPECT_THAT(users, testing::ElementsAre("bob"));
  EXPECT_EQ(moves.size(), 1u);
}

constexpr auto kOperators = Holds::By::operators;

TEST(HoldsTest, HeldUntilReleasedOrItsTimeIsOver) {
  Holds holds(kMovesKey);
  EXPECT_FALSE(holds.held("alice", 0));
  EXPECT_TRUE(holds.hold("alice", kOperators, 100));
  EXPECT_TRUE(holds.hold("bob", kOperators, 100));
  EXPECT_TRUE(holds.hold("bob", kOperators, 200));
  EXPECT_TRUE(holds.held("alice", 99));
  EXPECT_FALSE(holds.held("alice", 100));
  EXPECT_TRUE(holds.held("bob", 100));
  EXPECT_FALSE(holds.held("carol", 0));
  EXPECT_TRUE(holds.release("bob", kOperators));
  EXPECT_FALSE(holds.release("bob", kOperators));
  EXPECT_FALSE(holds.held("bob", 100));
  std::vector<std::string> users;
  holds.visit(100, [&](Bytes user, const Holds::Until&) { users.emplace_back(user); });
  EXPECT_THAT(users, testing::IsEmpty());
  EXPECT_EQ(holds.size(), 0u);
}

// Of those who hold the same user none shortens or ends another one's.
TEST(HoldsTest, T65_AHoldIsWhoseItIs) {
  Holds holds(kMovesKey);
  EXPECT_TRUE(holds.hold("ann", Holds::By::mover, 1000));
  EXPECT_TRUE(holds.hold("ann", Holds::By::login, 500));
  EXPECT_TRUE(holds.hold("ann", kOperators, 200));
  EXPECT_TRUE(holds.held("ann", 900));
  EXPECT_TRUE(holds.release("ann", Holds::By::login));
  EXPECT_FALSE(holds.release("ann", Holds::By::login));
  EXPECT_TRUE(holds.release("ann", kOperators));
  EXPECT_TRUE(holds.held("ann", 900));
  EXPECT_FALSE(holds.held("ann", 1000)) << "its time was over";
  EXPECT_TRUE(holds.hold("ann", kOperators, 1500));
  EXPECT_TRUE(holds.hold("bob", Holds::By::mover, 1500));
  EXPECT_EQ(holds.size(), 2U);
  EXPECT_TRUE(holds.release("ann", Holds::By::mover));
  EXPECT_TRUE(holds.held("ann", 1100)) << "the operator's";
  EXPECT_TRUE(holds.release("ann", kOperators));
  EXPECT_FALSE(holds.held("ann", 1100));
  EXPECT_EQ(holds.size(), 1U);
}

TEST(HoldsTest, NotMoreThanSoManyWait) {
  Holds holds(kMovesKey);
  std::vector<Holds::Seat> seats;
  for (int64_t i = 0; i < Holds::kWaitingMax; ++i) {
    seats.push_back(holds.wait());
    ASSERT_TRUE(seats.back());
  }
  EXPECT_FALSE(holds.wait());
  EXPECT_EQ(holds.waiting(), Holds::kWaitingMax);
  seats.pop_back();
  EXPECT_TRUE(holds.wait());
  seats.clear();
  EXPECT_EQ(holds.waiting(), 0);
}

}  // namespace
}  // namespace postigo
