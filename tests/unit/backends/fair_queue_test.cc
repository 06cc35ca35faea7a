// A36: who is next, who has no room, and that leaving the line costs nothing.
#include "backends/work/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postigo {
namespace {

using testing::ElementsAre;
using Rank = Turn::Rank;

class FairQueueTest : public testing::Test {
 protected:
  FairQueue::JobPtr job(Rank rank, uint64_t client, const std::string& name = "") {
    auto made = std::make_shared<FairQueue::Job>();
    made->turn = {rank, client};
    made->work = [this, name] { ran_.push_back(name); };
    return made;
  }
  std::vector<std::string> drain(FairQueue& queue) {
    ran_.clear();
    while (auto next = queue.pop()) next->work();
    EXPECT_EQ(queue.size(), 0u);
    return ran_;
  }

  std::vector<std::string> ran_;
};

TEST_F(FairQueueTest, A36_ClientsTakeTurnsAndEachOfThemIsInOrder) {
  FairQueue queue(1, 100, 0);
  for (const char* name : {"a1", "a2", "a3"}) queue.push(job(Rank::usual, 1, name));
  queue.push(job(Rank::usual, 2, "b1"));
  queue.push(job(Rank::usual, 3, "c1"));
  queue.push(job(Rank::usual, 2, "b2"));
  EXPECT_THAT(drain(queue), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST_F(FairQueueTest, A36_EveryFourthChoiceComesFromTheOtherEnd) {
  FairQueue queue(1, 100, 0);
  for (const char* name : {"l1", "l2"}) queue.push(job(Rank::last, 1, name));
  for (const char* name : {"u1", "u2"}) queue.push(job(Rank::usual, 1, name));
  for (const char* name : {"f1", "f2", "f3", "f4"}) queue.push(job(Rank::first, 1, name));
  EXPECT_THAT(drain(queue), ElementsAre("f1", "f2", "f3", "l1", "f4", "u1", "u2", "l2"));
}

// Or hashes in the last line would have a turn for three of the many who only wait in the usual one.
TEST_F(FairQueueTest, A36_JobsThatCostNothingAreNoChoice) {
  FairQueue queue(1, 100, 0);
  for (int i = 0; i < 20; ++i) {
    auto free = job(Rank::usual, 1, "free");
    free->turn.costs = false;
    queue.push(free);
  }
  queue.push(job(Rank::usual, 1, "hash"));
  queue.push(job(Rank::last, 1, "last"));
  drain(queue);
  EXPECT_EQ(ran_[20], "hash");
  EXPECT_EQ(ran_[21], "last");
}

TEST_F(FairQueueTest, A36_JobsThatCostNothingTakeNoRoomFromThoseThatDo) {
  FairQueue queue(1, 100, 1'000'000);
  queue.took({Rank::usual}, 500'000);
  for (int i = 0; i < 50; ++i) {
    auto free = job(Rank::usual, 1, "free");
    free->turn.costs = false;
    EXPECT_TRUE(queue.push(free));
  }
  EXPECT_TRUE(queue.push(job(Rank::usual, 1, "hash")));
  EXPECT_FALSE(queue.push(job(Rank::usual, 1, "too much")));
}

TEST_F(FairQueueTest, A36_WhoFloodsALineLeavesRoomToOthers) {
  FairQueue queue(1, 100, 0);
  size_t taken = 0;
  while (queue.push(job(Rank::last, 1))) ++taken;
  EXPECT_EQ(taken, 100u);
  EXPECT_TRUE(queue.push(job(Rank::last, 2)));
  EXPECT_FALSE(queue.push(job(Rank::last, 2)));
  EXPECT_TRUE(queue.push(job(Rank::last, 3)));
  EXPECT_TRUE(queue.push(job(Rank::usual, 1))) << "the other lines are their own";
}

TEST_F(FairQueueTest, A36_TheTimeThatJobsTakeBoundsHowManyMayWait) {
  FairQueue queue(2, 1000, 5'000'000);
  EXPECT_EQ(queue.limit(), 3000u) << "nothing is known yet";
  for (int i = 0; i < 100; ++i) queue.took({Rank::last}, 40'000);
  EXPECT_EQ(queue.limit(), 2125u) << "2 threads x 2.5 s / 40 ms = 125 in that line";
  size_t taken = 0;
  while (queue.push(job(Rank::last, 1))) ++taken;
  EXPECT_EQ(taken, 125u);
  drain(queue);
  for (taken = 0; queue.push(job(Rank::last, taken));) ++taken;
  EXPECT_EQ(taken, 125u) << "or one for each of as many clients";
  drain(queue);
  for (taken = 0; queue.push(job(Rank::last, taken % 5));) ++taken;
  EXPECT_EQ(taken, 125u) << "or 25 for each of 5";
  for (int i = 0; i < 100; ++i) queue.took({Rank::last}, 60'000'000);
  drain(queue);
  EXPECT_TRUE(queue.push(job(Rank::last, 1))) << "as many as there are threads in any case";
  EXPECT_TRUE(queue.push(job(Rank::last, 2)));
  EXPECT_FALSE(queue.push(job(Rank::last, 3)));
}

TEST_F(FairQueueTest, A36_WhoGivesUpLeavesTheLine) {
  FairQueue queue(1, 3, 0);
  auto first = job(Rank::usual, 1, "first"), second = job(Rank::usual, 2, "second"),
       third = job(Rank::usual, 1, "third");
  ASSERT_TRUE(queue.push(first) && queue.push(second) && queue.push(third));
  EXPECT_FALSE(queue.push(job(Rank::usual, 1)));
  queue.remove(*second);
  queue.remove(*second);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_TRUE(queue.push(job(Rank::usual, 1, "fourth"))) << "and makes room";
  EXPECT_THAT(drain(queue), ElementsAre("first", "third", "fourth"));
  queue.remove(*first);
}

TEST_F(FairQueueTest, AnEmptyQueueHasNoNext) {
  FairQueue queue(1, 3, 0);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(queue.pop(), nullptr);
}

}  // namespace
}  // namespace postigo
