// Places of users and addresses, and buckets: what is counted, what is given back, and threads at once.
#include "backends/ledger/seat_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backends/ledger/rates.h"

namespace postigo {
namespace {

using Bound = Seats::Bound;

class SeatsTest : public testing::Test {
 protected:
  Seats::Taken user(const std::string& name, uint64_t max) {
    const Bound bounds[] = {{SeatKind::user, name, max}};
    return seats_.take(bounds);
  }

  SeatTable seats_{{1, 2}};
};

TEST_F(SeatsTest, AsManyAsMayBeAndOneMoreWhenOneGoes) {
  auto first = user("anna", 2);
  auto second = user("anna", 2);
  EXPECT_TRUE(first.ok && second.ok);
  auto third = user("anna", 2);
  EXPECT_FALSE(third.ok);
  EXPECT_EQ(third.full, SeatKind::user);
  EXPECT_FALSE(third.seat);
  EXPECT_TRUE(user("bert", 2).ok);
  second.seat.release();
  EXPECT_TRUE(user("anna", 2).ok);
}

TEST_F(SeatsTest, WhoHasMost) {
  auto a = user("anna", 9), b = user("bert", 9), c = user("bert", 9);
  const Bound address[] = {{SeatKind::address, "1", 9}};
  auto d = seats_.take(address);
  EXPECT_THAT(seats_.most(), testing::ElementsAre(2, 0, 1, 0));
  c.seat.release();
  EXPECT_THAT(seats_.most(), testing::ElementsAre(1, 0, 1, 0));
}

TEST_F(SeatsTest, NobodyLeavesNothing) {
  {
    auto held = user("anna", 5);
    EXPECT_EQ(seats_.size(), 1);
    auto moved = std::move(held.seat);
    EXPECT_EQ(seats_.taken({SeatKind::user, "anna", 5}), 1);
    moved = {};
    EXPECT_EQ(seats_.taken({SeatKind::user, "anna", 5}), 0);
  }
  EXPECT_EQ(seats_.size(), 0);
}

TEST_F(SeatsTest, WhatHasNoLimitIsNotCounted) {
  auto held = user("anna", 0);
  EXPECT_TRUE(held.ok);
  EXPECT_FALSE(held.seat);
  EXPECT_EQ(seats_.size(), 0);
}

TEST_F(SeatsTest, AllBoundsOrNone) {
  auto at = [&](const std::string& name, const std::string& address) {
    const Bound bounds[] = {{SeatKind::user, name, 3}, {SeatKind::user_address, name, 2, address}};
    return seats_.take(bounds);
  };
  auto a = at("anna", "1"), b = at("anna", "1");
  auto c = at("anna", "1");
  EXPECT_FALSE(c.ok);
  EXPECT_EQ(c.full, SeatKind::user_address);
  EXPECT_EQ(seats_.taken({SeatKind::user, "anna", 3}), 2) << "the user's own place was given back";
  auto d = at("anna", "2");
  EXPECT_TRUE(d.ok);
  EXPECT_EQ(at("anna", "3").full, SeatKind::user);
}

// A7: two who share a place would let one use up what is the other's.
TEST_F(SeatsTest, A7_NamesAndAddressesThatJoinAlikeAreTwo) {
  const Bound one[] = {{SeatKind::user_address, "bc", 1, "a"}};
  const Bound other[] = {{SeatKind::user_address, "c", 1, "ab"}};
  const Bound user[] = {{SeatKind::user, "bc", 1}};
  const Bound address[] = {{SeatKind::address, "bc", 1}};
  auto first = seats_.take(one), second = seats_.take(other), third = seats_.take(user), fourth = seats_.take(address);
  EXPECT_TRUE(first.ok && second.ok && third.ok && fourth.ok);
}

TEST_F(SeatsTest, ALowerLimitCountsThoseWhoAreThere) {
  auto a = user("anna", 5), b = user("anna", 5);
  EXPECT_FALSE(user("anna", 2).ok);
  EXPECT_TRUE(user("anna", 3).ok);
}

TEST_F(SeatsTest, ThreadsNeverTakeMoreThanThereIsAndLeaveNothing) {
  constexpr uint64_t kMax = 5;
  std::atomic<uint64_t> inside{0}, most{0}, refused{0};
  auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Seats::Seat> held;
    for (int i = 0; i < 20'000; ++i) {
      if (random() % 2 == 0 && !held.empty()) {
        inside.fetch_sub(1);
        held.pop_back();
        continue;
      }
      auto taken = user("anna", kMax);
      if (!taken.ok) {
        refused.fetch_add(1);
        continue;
      }
      uint64_t now = inside.fetch_add(1) + 1;
      for (uint64_t before = most; before < now && !most.compare_exchange_weak(before, now);) {
      }
      held.push_back(std::move(taken.seat));
    }
    inside.fetch_sub(held.size());
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, kMax);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(seats_.size(), 0);
}

TEST(RatesTest, TwoSecondsAtOnceAndThenTheRate) {
  Rates rates(100, {1, 2});
  unsigned taken = 0;
  for (int i = 0; i < 100; ++i) taken += rates.take("a", 5, 1'000) ? 1 : 0;
  EXPECT_EQ(taken, 10);
  EXPECT_TRUE(rates.take("b", 5, 1'000));
  for (uint64_t ms = 1'000; ms < 11'000; ms += 10) taken += rates.take("a", 5, ms) ? 1 : 0;
  EXPECT_NEAR(taken, 10 + 50, 1);
}

TEST(RatesTest, WithoutALimitNothingIsKept) {
  Rates rates(100, {1, 2});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(rates.take("a", 0, 1));
  EXPECT_EQ(rates.size(), 0);
}

TEST(RatesTest, OnePerSecondIsOne) {
  Rates rates(100, {1, 2});
  unsigned taken = 0;
  for (uint64_t ms = 0; ms < 60'000; ms += 100) taken += rates.take("a", 1, ms) ? 1 : 0;
  EXPECT_NEAR(taken, 61, 1);
}

TEST(RatesTest, IsBounded) {
  Rates rates(128, {1, 2});
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(rates.take(std::to_string(i), 1, 1));
  EXPECT_LE(rates.size(), 128);
}

}  // namespace
}  // namespace postigo
