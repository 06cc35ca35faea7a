// When each of n sessions is due, if they are to go over t: evenly, nobody at once, nobody after the end.
#include "proxy/session/drain_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace postigo {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<uint64_t> times(DrainPlan plan, size_t count) {
  std::vector<uint64_t> all;
  for (size_t i = 0; i < count; ++i) all.push_back(plan.next_ms());
  return all;
}

TEST(DrainPlan, Evenly) {
  EXPECT_THAT(times({4, 1000, 60'000}, 4), ElementsAre(16'000, 31'000, 46'000, 61'000));
  EXPECT_THAT(times({3, 0, 10}, 3), ElementsAre(3, 6, 10)) << "rounded, but the last is the end";
}

TEST(DrainPlan, OneHasAllTheTime) { EXPECT_THAT(times({1, 5, 600'000}, 1), ElementsAre(600'005)); }

TEST(DrainPlan, NoTimeIsAtOnce) { EXPECT_THAT(times({3, 7, 0}, 3), Each(7)); }

TEST(DrainPlan, WhoWasNotCountedGoesWithTheLast) {
  EXPECT_THAT(times({2, 0, 100}, 4), ElementsAre(50, 100, 100, 100));
  EXPECT_THAT(times({0, 0, 100}, 1), ElementsAre(100));
}

TEST(DrainPlan, ManyOverLong) {
  constexpr uint64_t kSessions = 100'000, kDay = 24 * 3600'000ULL;
  DrainPlan plan(kSessions, 0, kDay);
  uint64_t before = 0;
  for (uint64_t i = 0; i < kSessions; ++i) {
    uint64_t due = plan.next_ms();
    ASSERT_LE(due - before, kDay / kSessions + 1) << i;
    before = due;
  }
  EXPECT_EQ(before, kDay);
}

}  // namespace
}  // namespace postigo
