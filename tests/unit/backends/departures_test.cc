// Many who lose their backend in one moment go one after the other; who leaves alone leaves at once.
#include "backends/balance/departures.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

TEST(Departures, ACrowdIsSpreadEvenly) {
  Departures departures;
  uint64_t first = departures.next_ms(5'000, 1'000, 2'000), last = first, at_once = 1;
  for (int i = 1; i < 1'000; ++i) {
    uint64_t next = departures.next_ms(5'000, 1'000, 2'000);
    EXPECT_GE(next, last);
    EXPECT_LE(next - last, 3u) << "no holes and no heaps";
    at_once += next == 5'000 ? 1u : 0u;
    last = next;
  }
  EXPECT_EQ(first, 5'000u);
  EXPECT_NEAR(static_cast<double>(last), 7'000, 5);
  EXPECT_LE(at_once, 2u);
}

TEST(Departures, NobodyWaitsLongerThanTheTime) {
  Departures departures;
  for (int i = 0; i < 5'000; ++i) EXPECT_LE(departures.next_ms(1'000, 100, 2'000), 3'000u);
  EXPECT_EQ(departures.next_ms(10'000, 100, 2'000), 10'000u) << "and it is forgotten behind that";
}

TEST(Departures, WhoLeavesAloneLeavesAtOnce) {
  Departures departures;
  for (uint64_t now = 0; now < 100'000; now += 100) EXPECT_EQ(departures.next_ms(now, 1'000, 2'000), now);
  Departures few;
  for (int i = 0; i < 32; ++i) EXPECT_EQ(few.next_ms(7, 32, 2'000), 7u);
  EXPECT_EQ(few.next_ms(7, 5'000, 0), 7u) << "switched off";
}

}  // namespace
}  // namespace postigo
