// Who waits for room at a backend, and how fast logins may come there.
#include "backends/balance/waiting_line.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "backends/balance/login_rate.h"

namespace postigo {
namespace {

TEST(WaitingLine, FirstComeFirstServedWhoeverLeaves) {
  WaitingLine line;
  auto one = line.join(3), two = line.join(3), three = line.join(3);
  EXPECT_FALSE(line.join(3)) << "no more than may wait";
  EXPECT_EQ(line.size(), 3U);
  EXPECT_EQ(one.ahead(), 0U);
  EXPECT_EQ(three.ahead(), 2U);
  two.release();
  EXPECT_EQ(three.ahead(), 1U);
  auto four = line.join(3);
  EXPECT_EQ(four.ahead(), 2U) << "behind all, though somebody has left";
  one = std::move(three);
  EXPECT_EQ(one.ahead(), 0U);
  EXPECT_EQ(four.ahead(), 1U);
  EXPECT_EQ(line.size(), 2U);
  EXPECT_FALSE(line.join(0));
}

TEST(WaitingLine, AllThreadsStandInOneLine) {
  WaitingLine line;
  constexpr size_t kEach = 2'000;
  std::atomic<size_t> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::vector<WaitingLine::Place> places;
      for (size_t n = 0; n < kEach; ++n) {
        auto place = line.join(100);
        if (!place) ++refused;
        if (place && place.ahead() >= 100) ADD_FAILURE() << "too many";
        places.push_back(std::move(place));
        if (places.size() > 40) places.erase(places.begin());
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(line.size(), 0U);
}

TEST(LoginRate, WhatASecondBringsAtOnceAndThenEvenly) {
  LoginRate rate;
  uint64_t now_ms = 50'000;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(rate.take(20, 0, now_ms)) << i;
  EXPECT_FALSE(rate.take(20, 0, now_ms));
  EXPECT_FALSE(rate.take(20, 0, now_ms + 49));
  EXPECT_TRUE(rate.take(20, 0, now_ms + 50));
  EXPECT_FALSE(rate.take(20, 0, now_ms + 50));
  size_t taken = 0;
  for (uint64_t ms = 50; ms <= 10'050; ++ms) taken += rate.take(20, 0, now_ms + ms) ? 1U : 0U;
  EXPECT_EQ(taken, 200U);
  now_ms += 100'000;
  taken = 0;
  while (rate.take(20, 0, now_ms)) ++taken;
  EXPECT_EQ(taken, 20U) << "a long rest gives no more than a second does";
}

TEST(LoginRate, LeavesOneForEachWhoCameBefore) {
  LoginRate rate;
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(rate.take(10, 0, 1'000));
  EXPECT_TRUE(rate.has(10, 2, 1'000));
  EXPECT_FALSE(rate.take(10, 3, 1'000)) << "three are left, for those";
  EXPECT_TRUE(rate.take(10, 2, 1'000));
}

TEST(LoginRate, OneASecondIsOneASecond) {
  LoginRate rate;
  EXPECT_TRUE(rate.take(1, 0, 1'000));
  EXPECT_FALSE(rate.take(1, 0, 1'999));
  EXPECT_TRUE(rate.take(1, 0, 2'000));
}

}  // namespace
}  // namespace postigo
