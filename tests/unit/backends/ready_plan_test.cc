// How many connections are kept ready: by the rate of logins, by the time that making one takes, and after failures.
#include "backends/balance/ready_plan.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

constexpr ReadyPlan::Terms kTerms{8, 60'000};

// So many logins a second, evenly, for so long; when it is over.
uint64_t come(ReadyPlan& plan, uint64_t from_ms, uint64_t per_s, uint64_t seconds) {
  const uint64_t until_ms = from_ms + seconds * 1'000;
  for (uint64_t now_ms = from_ms; now_ms < until_ms; now_ms += 1'000 / per_s) plan.login(now_ms);
  return until_ms;
}

TEST(ReadyPlan, NoneBeforeSomebodyCameAndNoneLongAfter) {
  ReadyPlan plan;
  EXPECT_EQ(plan.wanted(kTerms, 5'000), 0U);
  plan.login(5'000);
  EXPECT_EQ(plan.wanted(kTerms, 5'000), 1U);
  EXPECT_EQ(plan.wanted(kTerms, 64'999), 1U);
  EXPECT_EQ(plan.wanted(kTerms, 65'000), 0U);
  plan.login(1'000'000);
  EXPECT_EQ(plan.wanted(kTerms, 1'000'001), 1U);
}

TEST(ReadyPlan, AsManyAsComeTwiceInTheTimeThatOneTakes) {
  ReadyPlan plan;
  for (int i = 0; i < 50; ++i) plan.made(20);
  uint64_t now_ms = come(plan, 1'000, 100, 20);
  EXPECT_EQ(plan.wanted(kTerms, now_ms), 4U) << "100/s x 20 ms x 2";
  for (int i = 0; i < 50; ++i) plan.made(200);
  EXPECT_EQ(plan.wanted(kTerms, now_ms), 8U) << "and never more than may be";
  EXPECT_EQ(plan.wanted({1'000, 60'000}, now_ms), 40U);
  EXPECT_EQ(plan.wanted({0, 60'000}, now_ms), 0U);
}

TEST(ReadyPlan, TheRateFollowsWhatCame) {
  ReadyPlan plan;
  for (int i = 0; i < 50; ++i) plan.made(100);
  const ReadyPlan::Terms wide{1'000, 60'000};
  uint64_t now_ms = come(plan, 1'000, 100, 20);
  size_t before = plan.wanted(wide, now_ms);
  EXPECT_GE(before, 18U);
  EXPECT_LE(before, 22U);
  size_t least = before;
  for (uint64_t later_ms = 0; later_ms <= 9'000; later_ms += 500) {
    size_t wanted = plan.wanted(wide, now_ms + later_ms);
    EXPECT_LE(wanted, least) << later_ms << " ms later, and nobody came";
    least = wanted;
  }
  EXPECT_EQ(least, 1U);
  now_ms = come(plan, now_ms + 9'000, 5, 20);
  EXPECT_LE(plan.wanted(wide, now_ms), 2U);
}

TEST(ReadyPlan, RestsLongerWithEachFailureInARow) {
  ReadyPlan plan;
  uint64_t now_ms = 10'000;
  EXPECT_TRUE(plan.may_begin(now_ms));
  for (uint64_t pause_ms : {1'000U, 2'000U, 4'000U, 8'000U, 16'000U, 32'000U, 60'000U, 60'000U}) {
    plan.failed(now_ms);
    EXPECT_FALSE(plan.may_begin(now_ms + pause_ms - 1)) << pause_ms;
    EXPECT_TRUE(plan.may_begin(now_ms + pause_ms)) << pause_ms;
    now_ms += pause_ms;
  }
  plan.proved();
  plan.failed(now_ms);
  EXPECT_TRUE(plan.may_begin(now_ms + 1'000)) << "one was of use meanwhile";
}

}  // namespace
}  // namespace postigo
