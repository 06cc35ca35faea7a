// Who waits how long, with a clock that the test turns.
#include "backends/ledger/penalty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/backends/penalty_scene.h"

namespace postigo {
namespace {

using Turn = Penalties::Attempt::Turn;

// Attempts by somebody, one after the other or at a time, each decided `kLookupMs` after it may be.
class Door : public testing::Test {
 protected:
  static constexpr uint64_t kLookupMs = 50;

  struct Outcome {
    bool tried = false;  // a directory was asked
    uint64_t wait_ms = 0;
    uint64_t told_ms = 0;
  };

  Penalties::Attempt begin(const std::string& from, const std::string& user) {
    return penalties_.begin(rules_, {address(from), user}, now_ms_);
  }
  // One attempt to its end; time goes on.
  Outcome attempt(const std::string& from, const std::string& user, bool good, const std::string& secret = {}) {
    auto attempt = begin(from, user);
    uint64_t began = now_ms_;
    for (; attempt.turn == Turn::again; attempt = begin(from, user)) now_ms_ += attempt.wait_ms;
    if (attempt.turn == Turn::refused) return {};
    now_ms_ += attempt.wait_ms;
    Outcome outcome{true, now_ms_ - began, attempt.told_ms};
    now_ms_ += kLookupMs;
    const Guest guest{address(from), user};
    if (good) {
      penalties_.succeeded(rules_, guest, attempt, now_ms_);
    } else {
      penalties_.failed(rules_, guest, attempt, secret.empty() ? std::to_string(++guesses_) : secret, now_ms_);
    }
    return outcome;
  }
  void guess(const std::string& from, int times) {
    for (int i = 0; i < times; ++i) attempt(from, "u" + std::to_string(++guesses_), false);
  }
  // In no time at all.
  void fail_now(const std::string& from, const std::string& user) {
    auto attempt = begin(from, user);
    if (attempt.turn == Turn::go) penalties_.failed(rules_, {address(from), user}, attempt, user, now_ms_);
  }
  uint64_t wait(const std::string& from, const std::string& user) { return begin(from, user).wait_ms; }

  PenaltyRules rules_ = rules();
  Penalties penalties_{1000, {1, 2}};
  uint64_t now_ms_ = 1'000'000;
  uint64_t guesses_ = 0;
};

TEST_F(Door, TheFirstFailuresCostNothingAndThenTheDelayDoubles) {
  std::vector<uint64_t> waits;
  for (int i = 0; i < 16; ++i) {
    waits.push_back(attempt("192.0.2.1", "u" + std::to_string(i), false).wait_ms);
  }
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(waits[i], 0) << i;
  EXPECT_GE(waits[10], 900);
  EXPECT_GT(waits[11], waits[10]);
  EXPECT_GE(waits[15], 8'000);
  EXPECT_LE(waits[15], 15'000);
}

TEST_F(Door, AnotherAddressWaitsForNobody) {
  guess("192.0.2.1", 20);
  EXPECT_EQ(wait("192.0.2.2", "somebody"), 0);
}

TEST_F(Door, FailuresAreForgottenWithTime) {
  guess("192.0.2.1", 20);
  EXPECT_GT(attempt("192.0.2.1", "anna", false).wait_ms, 0);
  now_ms_ += 30 * 30'000;
  EXPECT_EQ(attempt("192.0.2.1", "anna", false).wait_ms, 0);
}

// A device with an old password in it asks for ever: that guesses nothing.
TEST_F(Door, TheSameGuessOnceMoreCostsNothing) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(attempt("192.0.2.1", "anna", false, "last year's").wait_ms, 0) << i;
  }
}

TEST_F(Door, OwnMistakesAreForgivenByTheRightPassword) {
  for (int i = 0; i < 9; ++i) attempt("192.0.2.1", "anna", false);
  EXPECT_TRUE(attempt("192.0.2.1", "anna", true).tried);
  guess("192.0.2.1", 5);
  EXPECT_EQ(wait("192.0.2.1", "bert"), 0);
}

TEST_F(Door, WhoHasAnAccountCannotResetWhatHeGuessedAtOthers) {
  uint64_t start = now_ms_;
  unsigned tried = 0;
  while (now_ms_ < start + 600'000) {
    attempt("192.0.2.1", "mallory", true);
    auto guessed = attempt("192.0.2.1", "u" + std::to_string(guesses_), false);
    if (guessed.tried) ++tried;
    now_ms_ += 100;
  }
  EXPECT_LE(tried, 10 + 10 + 600 / 15);
}

TEST_F(Door, WhoLoggedInWellFromHereIsNotHeldBackByOthers) {
  attempt("192.0.2.1", "anna", true);
  guess("192.0.2.1", 20);
  ASSERT_GT(attempt("192.0.2.1", "stranger", false).wait_ms, 0);
  auto good = attempt("192.0.2.1", "anna", true);
  EXPECT_TRUE(good.tried);
  EXPECT_EQ(good.wait_ms, 0);
}

// Else the time of a refusal would tell who lives behind the same address.
TEST_F(Door, A22_ButHisRefusalIsToldNoEarlierThanThatOfOthers) {
  attempt("192.0.2.1", "anna", true);
  guess("192.0.2.1", 20);
  auto known = begin("192.0.2.1", "anna");
  EXPECT_EQ(known.wait_ms, 0);
  auto other = begin("192.0.2.1", "nobody");
  EXPECT_EQ(known.told_ms, other.told_ms);
  EXPECT_GT(known.told_ms, 0);
}

TEST_F(Door, AtAKnownAddressTooGuessesAreFew) {
  attempt("192.0.2.1", "anna", true);
  uint64_t start = now_ms_;
  unsigned tried = 0;
  while (now_ms_ < start + 600'000) {
    if (attempt("192.0.2.1", "anna", false).tried) ++tried;
    now_ms_ += 100;
  }
  EXPECT_LE(tried, 5 + 10 + 10 + 600 / 15 + 10);
}

TEST_F(Door, NobodyIsLockedOutByGuessesAtHisNameFromEverywhere) {
  attempt("198.51.100.1", "anna", true);
  for (int i = 0; i < 250; ++i) {
    auto held = begin("203.0.113." + std::to_string(i), "anna");
    EXPECT_NE(held.turn, Turn::refused);
    penalties_.failed(rules_, {address("203.0.113." + std::to_string(i)), "anna"}, held, std::to_string(i), now_ms_);
  }
  EXPECT_EQ(wait("198.51.100.1", "anna"), 0);
  auto elsewhere = begin("198.51.100.2", "anna");
  EXPECT_EQ(elsewhere.turn, Turn::go);
  EXPECT_GT(elsewhere.wait_ms, 0);
  EXPECT_LE(elsewhere.wait_ms, 4'000);
}

TEST_F(Door, OfIPv6NetworksCount) {
  guess("2001:db8:1:2::1", 20);
  EXPECT_GT(wait("2001:db8:1:2:ffff::2", "anna"), 0) << "the same /64";
  EXPECT_EQ(wait("2001:db8:1:3::1", "anna"), 0) << "another one of the same /48";
  for (int i = 0; i < 200; ++i) guess("2001:db8:1:" + std::to_string(100 + i) + "::1", 1);
  EXPECT_GT(wait("2001:db8:1:3::2", "anna"), 0) << "the /48 has guessed too often";
  EXPECT_EQ(wait("2001:db8:2:3::1", "anna"), 0) << "another /48";
}

TEST_F(Door, ExemptNetworksAreNotCounted) {
  rules_.exempt = {*config::parse_network("192.0.2.0/24")};
  guess("192.0.2.1", 100);
  EXPECT_EQ(wait("192.0.2.1", "anna"), 0);
  EXPECT_EQ(penalties_.size(), 0);
}

TEST_F(Door, WhatWasNoGuessLeavesNothing) {
  for (int i = 0; i < 50; ++i) {
    auto attempt = begin("192.0.2.1", "anna");
    penalties_.taken_back(rules_, {address("192.0.2.1"), "anna"}, attempt, now_ms_);
  }
  EXPECT_EQ(penalties_.size(), 0);
}

TEST_F(Door, TheOperatorSeesAndForgives) {
  guess("192.0.2.1", 20);
  guess("2001:db8::1", 12);
  for (int i = 0; i < 5; ++i) attempt("198.51.100.1", "anna", false);
  auto rows = penalties_.list(rules_, 1000, now_ms_);
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0].whom, "192.0.2.1/32");
  EXPECT_GT(rows[0].wait_ms, 0);
  EXPECT_GT(rows.size(), 3);
  EXPECT_EQ(penalties_.list(rules_, 2, now_ms_).size(), 2);
  EXPECT_EQ(penalties_.forgive(rules_, *config::parse_network("192.0.2.0/24"), now_ms_), 1);
  EXPECT_EQ(wait("192.0.2.1", "bert"), 0);
  EXPECT_EQ(penalties_.forgive(rules_, *config::parse_network("2001:db8::1"), now_ms_), 2) << "the /64 and its /48";
  EXPECT_EQ(penalties_.forgive_user("anna"), 1);
  for (const auto& row : penalties_.list(rules_, 1000, now_ms_)) EXPECT_NE(row.whom, "anna");
}

// A table that an attacker fills from many addresses keeps those that matter.
TEST_F(Door, ACrowdOfAddressesDoesNotClearWhatIsKnownOfOthers) {
  guess("192.0.2.1", 20);
  for (int i = 0; i < 60'000; ++i) {
    std::string from =
        "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    fail_now(from, "u" + std::to_string(i));
  }
  EXPECT_GT(wait("192.0.2.1", "anna"), 0);
  EXPECT_LE(penalties_.size(), penalties_.entries_max());
  EXPECT_GT(penalties_.evicted(), 0);
}

TEST_F(Door, WhereThereIsNoRoomTheWiderNetworkAnswers) {
  for (int i = 0; i < 4'000; ++i) {  // so many records that must stay that none is left
    std::string from = "10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    for (int n = 0; n < 5; ++n) fail_now(from, "u" + std::to_string(++guesses_));
  }
  unsigned held_back = 0;
  for (int i = 0; i < 100; ++i) {
    auto first = begin("10.1.200." + std::to_string(i), "v" + std::to_string(i));
    if (first.turn == Turn::refused || first.wait_ms > 0) ++held_back;
  }
  EXPECT_GT(held_back, 90);
}

}  // namespace
}  // namespace postigo
