// Preference: as many users as were asked for, always the same ones, and nobody is left without a backend.
#include "backends/balance/preference.h"

#include <gtest/gtest.h>

#include <string>

namespace postigo {
namespace {

TEST(Preference, AsManyUsersAsAskedFor) {
  for (unsigned percent : {0u, 1u, 30u, 99u, 100u}) {
    unsigned inside = 0;
    for (int i = 0; i < 10'000; ++i) inside += in_share("user" + std::to_string(i) + "@example.com", "b1", percent);
    EXPECT_NEAR(inside, percent * 100, 200) << percent;
    if (percent == 0 || percent == 100) {
      EXPECT_EQ(inside, percent * 100);
    }
  }
}

TEST(Preference, WhoIsInSomeIsInMore) {
  for (int i = 0; i < 1000; ++i) {
    std::string user = "user" + std::to_string(i);
    for (unsigned percent = 0; percent < 100; percent += 10) {
      if (in_share(user, "b1", percent)) {
        EXPECT_TRUE(in_share(user, "b1", percent + 10));
      }
    }
  }
}

// Half of those who stay away from one backend must not stay away from the next one for that reason.
TEST(Preference, BackendsHaveUsersOfTheirOwn) {
  unsigned both = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string user = "user" + std::to_string(i);
    both += in_share(user, "b1", 50) && in_share(user, "b2", 50);
  }
  EXPECT_NEAR(both, 2500, 250);
}

}  // namespace
}  // namespace postigo
