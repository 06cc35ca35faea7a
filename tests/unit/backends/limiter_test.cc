// Which limit refuses whom, with a clock that the test turns.
#include "backends/ledger/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/ledger/seat_table.h"

namespace postigo {
namespace {

config::AnyAddress address(const std::string& text) { return config::parse_network(text)->address; }

class LimiterTest : public testing::Test {
 protected:
  Limit come(const std::string& from, bool tls = false, const std::string& listener = "imap") {
    auto answer = limiter_.come(limit_rules(limits_), listener, address(from), tls, now_ms_);
    if (answer.seat) held_.push_back(std::move(answer.seat));
    return answer.limit;
  }
  Limit log_in(const std::string& user, const std::string& from = "192.0.2.1", const std::string& pool = "main") {
    auto answer = limiter_.log_in(limit_rules(limits_), address(from), user, pool);
    if (answer.seat) held_.push_back(std::move(answer.seat));
    return answer.limit;
  }

  SeatTable seats_{{1, 2}};
  Limiter limiter_{seats_, {1, 2}};
  config::Limits limits_;
  uint64_t now_ms_ = 1'000;
  std::vector<Seats::Seat> held_;
};

TEST_F(LimiterTest, WithoutLimitsNothingIsCounted) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(come("192.0.2.1", true), Limit::none);
    EXPECT_EQ(log_in("anna"), Limit::none);
    EXPECT_EQ(limiter_.try_login(limit_rules(limits_), "imap", address("192.0.2.1"), now_ms_), Limit::none);
  }
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(seats_.size(), 0);
}

TEST_F(LimiterTest, AProxyCountsAtItsListenerAndForWhomItSpeaks) {
  limits_.sessions_per_address = 1;
  limits_.connections_per_s = 3;
  const LimitRules rules = limit_rules(limits_);
  for (int i = 0; i < 6; ++i) {  // two seconds' worth
    EXPECT_EQ(limiter_.pass(rules, "imap", address("192.0.2.1"), false, now_ms_), Limit::none);
    EXPECT_EQ(seats_.size(), 0);
  }
  EXPECT_EQ(limiter_.pass(rules, "imap", address("192.0.2.1"), false, now_ms_), Limit::connections_per_s);
  auto first = limiter_.come_from(rules, address("198.51.100.1"), now_ms_);
  EXPECT_EQ(first.limit, Limit::none);
  EXPECT_EQ(limiter_.come_from(rules, address("198.51.100.1"), now_ms_).limit, Limit::sessions_per_address);
  EXPECT_EQ(limiter_.come_from(rules, address("198.51.100.2"), now_ms_).limit, Limit::none);
  first.seat.release();
  EXPECT_EQ(limiter_.come_from(rules, address("198.51.100.1"), now_ms_).limit, Limit::none);
}

TEST_F(LimiterTest, WhoIsSentAwayAtTheDoorHoldsNoSeat) {
  limits_.sessions_per_address = 1;
  limits_.connections_per_s = 1;
  EXPECT_EQ(come("192.0.2.8"), Limit::none);
  EXPECT_EQ(come("192.0.2.9"), Limit::none);
  EXPECT_EQ(come("192.0.2.1"), Limit::connections_per_s);
  now_ms_ += 1'000;
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
}

TEST_F(LimiterTest, AddressesAndTheirNetworks) {
  limits_.sessions_per_address = 2;
  limits_.sessions_per_network = 3;
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
  EXPECT_EQ(come("192.0.2.1"), Limit::sessions_per_address);
  EXPECT_EQ(come("192.0.2.2"), Limit::none);
  EXPECT_EQ(come("192.0.2.3"), Limit::sessions_per_network);
  EXPECT_EQ(come("192.0.3.3"), Limit::none);
  held_.clear();
  EXPECT_EQ(seats_.size(), 0);
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
}

TEST_F(LimiterTest, OfIPv6ASubnetIsOneAddress) {
  limits_.sessions_per_address = 1;
  EXPECT_EQ(come("2001:db8::1"), Limit::none);
  EXPECT_EQ(come("2001:db8::ffff:1"), Limit::sessions_per_address);
  EXPECT_EQ(come("2001:db8:0:1::1"), Limit::none);
}

TEST_F(LimiterTest, ExemptAddressesHaveNoLimits) {
  limits_.sessions_per_address = limits_.sessions_per_user_address = limits_.address_connections_per_s = 1;
  limits_.exempt = {"192.0.2.0/28"};
  for (int i = 0; i < 9; ++i) EXPECT_EQ(come("192.0.2.1"), Limit::none);
  EXPECT_EQ(log_in("anna"), Limit::none);
  EXPECT_EQ(log_in("anna"), Limit::none);
  limits_.sessions_per_user = 1;
  EXPECT_EQ(log_in("bert"), Limit::none);
  EXPECT_EQ(log_in("bert"), Limit::sessions_per_user) << "a user's own limit holds wherever he comes from";
}

TEST_F(LimiterTest, RatesOfListenersAndAddresses) {
  limits_.connections_per_s = 10;
  limits_.address_connections_per_s = 2;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(come("192.0.2.1"), Limit::none);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(come("192.0.2.1"), Limit::address_connections_per_s);
  for (int i = 2; i < 18; ++i)
    EXPECT_EQ(come("192.0.2." + std::to_string(i)), Limit::none) << "what is refused costs no turn";
  EXPECT_EQ(come("192.0.2.99"), Limit::connections_per_s);
  EXPECT_EQ(come("192.0.2.99", false, "pop3"), Limit::none);
  now_ms_ += 1'000;
  EXPECT_EQ(come("192.0.2.98"), Limit::none);
}

TEST_F(LimiterTest, ARefusedConnectionGivesItsSeatBack) {
  limits_.connections_per_s = 1;
  limits_.sessions_per_address = 3;
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(come("192.0.2.1"), Limit::connections_per_s);
  now_ms_ += 1'000;
  EXPECT_EQ(come("192.0.2.1"), Limit::none);
  EXPECT_EQ(come("192.0.2.1"), Limit::sessions_per_address);
}

TEST_F(LimiterTest, HandshakesAreWithTlsOrStarttls) {
  limits_.handshakes_per_s = 1;
  EXPECT_EQ(come("192.0.2.1", true), Limit::none);
  EXPECT_TRUE(limiter_.shake_hands(limit_rules(limits_), "imap", now_ms_));
  EXPECT_EQ(come("192.0.2.1", true), Limit::handshakes_per_s);
  EXPECT_FALSE(limiter_.shake_hands(limit_rules(limits_), "imap", now_ms_));
  EXPECT_EQ(come("192.0.2.1", false), Limit::none);
}

TEST_F(LimiterTest, TheFirstClassThatMatchesDecides) {
  limits_.sessions_per_user = 1;
  limits_.classes = {{"boss@a.example", "", "", 3, 0}, {"", "a.example", "", 2, 0}, {"", "", "big", 0, 0}};
  auto most = [&](const std::string& user, const std::string& pool) {
    int count = 0;
    while (count < 9 && log_in(user, "192.0.2.1", pool) == Limit::none) ++count;
    return count;
  };
  EXPECT_EQ(most("boss@a.example", "main"), 3);
  EXPECT_EQ(most("anna@a.example", "main"), 2);
  EXPECT_EQ(most("anna@b.example", "main"), 1);
  EXPECT_EQ(most("bert@b.example", "big"), 9) << "no limit";
  EXPECT_EQ(most("a.example", "main"), 1) << "a name without a domain";
}

TEST_F(LimiterTest, WhatADirectorySaysOfAUser) {
  limits_.sessions_per_user = 1;
  limits_.classes = {{"", "", "", 3, 0, "premium"}, {"", "a.example", "", 2, 0}};
  auto most = [&](const std::string& user, Limiter::Told told) {
    int count = 0;
    for (;; ++count) {
      auto answer = limiter_.log_in(limit_rules(limits_), address("192.0.2.1"), user, "main", told);
      if (count == 9 || answer.limit != Limit::none) return count;
      held_.push_back(std::move(answer.seat));
    }
  };
  EXPECT_EQ(most("anna@a.example", {"premium"}), 3);
  EXPECT_EQ(most("bert@a.example", {"unheard-of"}), 2) << "as if nothing were said";
  EXPECT_EQ(most("carl@b.example", {"", 5}), 5) << "his own";
  EXPECT_EQ(most("dora@b.example", {"premium", 1}), 1) << "whatever his class";
  limits_ = {};
  EXPECT_EQ(most("emil@b.example", {"", 4}), 4) << "also where nobody else has a limit";
}

}  // namespace
}  // namespace postigo
