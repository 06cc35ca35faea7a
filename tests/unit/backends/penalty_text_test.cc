// Penalties that go to another process: who waited there waits here, and who was known there is known here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/backends/penalty_scene.h"

namespace postigo {
namespace {

constexpr SipKey kTextKey = sip_key("0123456789abcdef");
constexpr size_t kMax = 1'000'000;

class PenaltyText : public testing::Test {
 protected:
  void fail(const std::string& from, const std::string& user, int times) {
    for (int i = 0; i < times; ++i) {
      const Guest guest{address(from), user};
      auto attempt = old_.begin(rules_, guest, now_ms_);
      now_ms_ += attempt.wait_ms + 10;
      old_.failed(rules_, guest, attempt, "guess" + std::to_string(i), now_ms_);
    }
  }
  static uint64_t wait_of(Penalties& penalties, const std::string& from, const std::string& user, uint64_t now_ms) {
    return penalties.begin(rules(), {address(from), user}, now_ms).wait_ms;
  }

  PenaltyRules rules_ = rules();
  uint64_t now_ms_ = 1'000'000;
  Penalties old_{1'000, kTextKey}, next_{1'000, kTextKey};
};

TEST_F(PenaltyText, WhoGuessesWaitsHereToo) {
  fail("192.0.2.1", "anna", 14);
  const std::string text = old_.text(rules_, kMax, now_ms_);
  next_.adopt(rules_, text, 77);  // another clock
  auto before = old_.list(rules_, 10, now_ms_), after = next_.list(rules_, 10, 77);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].whom, after[i].whom);
    EXPECT_NEAR(before[i].failures, after[i].failures, 0.01);
    EXPECT_EQ(before[i].wait_ms, after[i].wait_ms);
  }
  EXPECT_GT(wait_of(next_, "192.0.2.1", "bert", 77), 0U);
  EXPECT_EQ(wait_of(next_, "198.51.100.1", "bert", 77), 0U);
}

TEST_F(PenaltyText, TheSameGuessAgainCostsNothingHereEither) {
  fail("192.0.2.1", "anna", 3);
  next_.adopt(rules_, old_.text(rules_, kMax, now_ms_), now_ms_);
  const double before = next_.list(rules_, 1, now_ms_).at(0).failures;
  const Guest guest{address("192.0.2.1"), "anna"};
  auto attempt = next_.begin(rules_, guest, now_ms_);
  next_.failed(rules_, guest, attempt, "guess1", now_ms_);
  EXPECT_NEAR(next_.list(rules_, 1, now_ms_).at(0).failures, before, 0.01);
}

TEST_F(PenaltyText, WhoIsKnownAtAnAddressIsKnownHere) {
  const Guest anna{address("192.0.2.1"), "anna"};
  old_.succeeded(rules_, anna, old_.begin(rules_, anna, now_ms_), now_ms_);
  fail("192.0.2.1", "bert", 14);
  next_.adopt(rules_, old_.text(rules_, kMax, now_ms_), now_ms_);
  EXPECT_EQ(wait_of(next_, "192.0.2.1", "anna", now_ms_), 0U) << "he is known there";
  EXPECT_GT(wait_of(next_, "192.0.2.1", "carl", now_ms_), 0U);
}

TEST_F(PenaltyText, ThisProcessKnowsBetter) {
  fail("192.0.2.1", "anna", 14);
  const Guest guest{address("192.0.2.1"), "x"};
  next_.failed(rules_, guest, next_.begin(rules_, guest, now_ms_), "y", now_ms_);
  next_.adopt(rules_, old_.text(rules_, kMax, now_ms_), now_ms_);
  for (const auto& row : next_.list(rules_, 10, now_ms_)) {
    if (row.whom != "192.0.2.1/32") continue;
    EXPECT_NEAR(row.failures, 1, 0.01);
  }
}

TEST_F(PenaltyText, WhatDoesNotFitIsWhatMattersLeast) {
  for (int i = 0; i < 20; ++i) fail("192.0.2." + std::to_string(i), "u" + std::to_string(i), 1);
  fail("198.51.100.1", "anna", 14);
  const std::string text = old_.text(rules_, 700, now_ms_);
  EXPECT_LE(text.size(), 700U);
  next_.adopt(rules_, text, now_ms_);
  auto rows = next_.list(rules_, 100, now_ms_);
  EXPECT_LT(rows.size(), 20U);
  EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.whom == "198.51.100.1/32"; }));
  EXPECT_TRUE(old_.text(rules_, 0, now_ms_).empty());
}

// Whatever a program of another version may have written: nothing is taken that nobody could have come by.
TEST_F(PenaltyText, HalvesAndLies) {
  fail("192.0.2.1", "anna", 14);
  const std::string text = old_.text(rules_, kMax, now_ms_);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    Penalties part(1'000, kTextKey);
    part.adopt(rules_, std::string_view(text).substr(0, cut), now_ms_);
    part.adopt(rules_, std::string_view(text).substr(cut), now_ms_);
    EXPECT_LE(part.size(), old_.size());
  }
  const std::string key = std::string(10, '\0') + "\xff\xff\xc0" + std::string("\0\2\1\200", 4);
  auto field = [](const std::string& of) { return std::to_string(of.size()) + ":" + of + ","; };
  const std::string numbers = "99999999999 99999999999 1 1 1 1 1 1 1 1 ";
  next_.adopt(rules_, field("address") + field(key) + field(numbers), now_ms_);
  ASSERT_EQ(next_.list(rules_, 10, now_ms_).size(), 1U);
  EXPECT_LT(next_.list(rules_, 10, now_ms_)[0].failures, 100);
  EXPECT_LE(wait_of(next_, "192.0.2.1", "x", now_ms_), rules_.address.max_ms);
  Penalties none(1'000, kTextKey);
  for (const std::string& wrong :
       {field("address") + field("short") + field(numbers), field("address") + field(key) + field("1 2 "),
        field("address") + field(key) + field("x"), field("what") + field(key) + field(numbers),
        field("address") + field(key.substr(0, 16) + '\xff') + field(numbers),
        field("known") + field("u") + field("")}) {
    none.adopt(rules_, wrong, now_ms_);
  }
  EXPECT_TRUE(none.list(rules_, 10, now_ms_).empty());
}

}  // namespace
}  // namespace postigo
