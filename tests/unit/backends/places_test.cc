// How many logins may be under way at a backend: bounded, and few at first.
#include "backends/balance/places.h"

#include <gtest/gtest.h>

#include <vector>

namespace postigo {
namespace {

size_t fill(const Places& places, Occupancy& backend, std::vector<Places::Seat>& seats) {
  while (auto seat = places.take(backend)) seats.push_back(std::move(seat));
  return seats.size();
}

TEST(Places, FewAtFirstAndOneMoreWithEachThatSucceeds) {
  Occupancy backend;
  Places places;
  places.open(10'000, 100, 4);
  std::vector<Places::Seat> seats;
  EXPECT_EQ(fill(places, backend, seats), 4u);
  EXPECT_TRUE(places.grows(backend));
  for (size_t round = 0; round < 10; ++round) {
    for (size_t i = 0; i < seats.size(); ++i) places.succeeded(backend);
    seats.clear();
    fill(places, backend, seats);
    EXPECT_EQ(seats.size(), std::min<size_t>(100, 4U << (round + 1))) << "it doubles, up to the limit";
  }
  EXPECT_FALSE(places.grows(backend));
  EXPECT_LE(backend.ramp, 100) << "and counts no further";
  Places unramped;
  unramped.open(10'000, 100);
  seats.clear();
  EXPECT_EQ(fill(unramped, backend, seats), 100u);
}

TEST(Places, AutoIsHalfOfWhatNoRelayHolds) {
  Occupancy one, other;
  Places places;
  places.open(100, 0);
  EXPECT_EQ(places.limit(), 50);
  for (int i = 0; i < 60; ++i) places.relay_began();
  EXPECT_EQ(places.limit(), 20);
  std::vector<Places::Seat> seats;
  while (Places::Seat seat = places.take(one)) seats.push_back(std::move(seat));
  EXPECT_EQ(seats.size(), 20u);
  EXPECT_TRUE(places.take(other)) << "each backend has its own";
  seats.clear();
  EXPECT_EQ(one.logins, 0);
  EXPECT_EQ(other.logins, 0);
  for (int i = 0; i < 40; ++i) places.relay_began();
  EXPECT_GT(places.limit(), 0) << "the last session can log in";
}

// One that hangs has no room for those who look for another one.
TEST(Places, WithoutAPlaceForALoginThereIsNoRoom) {
  Occupancy backend;
  Places places;
  places.open(10'000, 2);
  config::Backend terms;
  std::vector<Places::Seat> seats;
  EXPECT_TRUE(places.has_room(backend, terms, 1'000));
  EXPECT_EQ(fill(places, backend, seats), 2u);
  EXPECT_FALSE(places.has_room(backend, terms, 1'000));
  seats.pop_back();
  EXPECT_TRUE(places.has_room(backend, terms, 1'000));
}

}  // namespace
}  // namespace postigo
