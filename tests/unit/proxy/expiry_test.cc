// From when on a certificate is worth a warning, and what it says.
#include "proxy/control/expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kDay = 24 * 3600, kNow = 1'800'000'000;

std::vector<Expiry> in(int64_t seconds) { return expiring({{"mail", true, 1, kNow + seconds}}, kNow); }

TEST(Expiry, FromFourteenDaysOn) {
  EXPECT_THAT(in(90 * kDay), IsEmpty());
  EXPECT_THAT(in(14 * kDay), IsEmpty());
  EXPECT_THAT(in(14 * kDay - 1), ElementsAre(Expiry{"mail", 13}));
  EXPECT_THAT(in(kDay), ElementsAre(Expiry{"mail", 1}));
  EXPECT_THAT(in(kDay - 1), ElementsAre(Expiry{"mail", 0}));
  EXPECT_THAT(in(0), ElementsAre(Expiry{"mail", 0}));
}

TEST(Expiry, WhatIsOverIsBelowZero) {
  EXPECT_THAT(in(-1), ElementsAre(Expiry{"mail", -1}));
  EXPECT_THAT(in(-kDay), ElementsAre(Expiry{"mail", -1}));
  EXPECT_THAT(in(-kDay - 1), ElementsAre(Expiry{"mail", -2}));
}

TEST(Expiry, EachInItsOrder) {
  EXPECT_THAT(
      expiring({{"a", true, 1, kNow + 3 * kDay}, {"b", true, 2, kNow + 99 * kDay}, {"a", false, 3, kNow}}, kNow),
      ElementsAre(Expiry{"a", 3}, Expiry{"a", 0}));
  EXPECT_THAT(expiring({}, kNow), IsEmpty());
}

}  // namespace
}  // namespace postigo
