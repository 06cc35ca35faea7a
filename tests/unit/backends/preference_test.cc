// Preference: as many users as were asked for, always the same ones, and nobody is left without a backend.
#include "backends/balance/preference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(Preference, TheOthersPreferTheNextAndKeepTheirOrder) {
  std::vector<config::Backend> backends(3);
  for (size_t i = 0; i < 3; ++i) backends[i].name = "b" + std::to_string(i + 1);
  auto order = [&](std::vector<unsigned> percents) {
    Route route;
    for (const config::Backend& each : backends) route.candidates.push_back(&each);
    prefer(route, "alice",
           [&](const config::Backend& each) { return percents[static_cast<size_t>(&each - backends.data())]; });
    std::string names;
    for (const config::Backend* each : route.candidates) names += each->name;
    return names;
  };
  EXPECT_EQ(order({100, 100, 100}), "b1b2b3");
  EXPECT_EQ(order({0, 100, 100}), "b2b3b1");
  EXPECT_EQ(order({0, 0, 100}), "b3b1b2");
  EXPECT_EQ(order({0, 0, 0}), "b1b2b3") << "a last resort is one";
}

}  // namespace
}  // namespace postigo
