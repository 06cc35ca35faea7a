// The hash that places users: published vectors, golden placements, and the properties that operators rely on.
#include "backends/balance/rendezvous.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "backends/balance/siphash.h"

namespace postigo {
namespace {

std::string address_no(size_t i) { return std::string("user").append(std::to_string(i)) + "@example.com"; }

struct Nodes {
  std::vector<std::string> names;
  std::vector<double> weights;

  explicit Nodes(size_t count, double weight = 1.0) {
    for (size_t i = 0; i < count; ++i) {
      names.push_back(std::string("shard").append(std::to_string(i)));
      weights.push_back(weight);
    }
  }
  Rendezvous build() const {
    std::vector<Rendezvous::Node> nodes;
    for (size_t i = 0; i < names.size(); ++i) nodes.push_back({names[i], weights[i]});
    return Rendezvous(nodes);
  }
};

// From the paper's appendix and the reference implementation: key 00..0f, message 00..(n-1).
TEST(SipHash, MatchesThePublishedVectors) {
  std::string octets;
  for (int i = 0; i < 64; ++i) octets.push_back(static_cast<char>(i));
  const SipKey key = sip_key(octets.substr(0, 16));
  EXPECT_EQ(siphash(key, ""), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(siphash(key, octets.substr(0, 1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(siphash(key, octets.substr(0, 8)), 0x93f5f5799a932462u);
  EXPECT_EQ(siphash(key, octets.substr(0, 15)), 0xa129ca6149be45e5u);
  EXPECT_EQ(siphash(key, octets.substr(0, 63)), 0x958a324ceb064572u);
}

// Golden: if this fails, an upgrade moves everybody's mailbox. Do not adjust the numbers.
TEST(Rendezvous, PlacesUsersWhereEveryVersionPlacedThem) {
  Nodes equal(10);
  Rendezvous even = equal.build();
  Nodes weighted(10);
  for (size_t i = 0; i < 10; ++i) weighted.weights[i] = static_cast<double>(i) / 2 + 0.25;
  Rendezvous uneven = weighted.build();
  std::string even_places, uneven_places;
  for (size_t i = 0; i < 40; ++i) {
    even_places += static_cast<char>('0' + even.pick(address_no(i)));
    uneven_places += static_cast<char>('0' + uneven.pick(address_no(i)));
  }
  EXPECT_EQ(even_places, "1370434024676294545604255347688780297588");
  EXPECT_EQ(uneven_places, "9388434859676599545694255347688788397588");
}

TEST(Rendezvous, DoesNotDependOnTheOrderInTheFile) {
  Nodes forward(20);
  for (size_t i = 0; i < 20; ++i) forward.weights[i] = static_cast<double>(i % 3 + 1);
  Nodes backward = forward;
  std::reverse(backward.names.begin(), backward.names.end());
  std::reverse(backward.weights.begin(), backward.weights.end());
  Rendezvous a = forward.build(), b = backward.build();
  for (size_t i = 0; i < 2000; ++i)
    EXPECT_EQ(forward.names[a.pick(address_no(i))], backward.names[b.pick(address_no(i))]);
}

TEST(Rendezvous, RemovingANodeMovesOnlyItsUsers) {
  for (bool weighted : {false, true}) {
    Nodes before(12);
    if (weighted) {
      for (size_t i = 0; i < 12; ++i) before.weights[i] = 0.5 + static_cast<double>(i % 4);
    }
    Nodes after = before;
    after.names.erase(after.names.begin() + 5);
    after.weights.erase(after.weights.begin() + 5);
    Rendezvous a = before.build(), b = after.build();
    std::map<std::string, int> heirs;
    for (size_t i = 0; i < 20000; ++i) {
      const std::string& was = before.names[a.pick(address_no(i))];
      const std::string& is = after.names[b.pick(address_no(i))];
      if (was == "shard5") {
        ++heirs[is];
      } else {
        EXPECT_EQ(was, is);
      }
    }
    EXPECT_EQ(heirs.size(), 11u) << "the users of a removed shard spread over all others";
  }
}

TEST(Rendezvous, RaisingAWeightMovesUsersOnlyThere) {
  Nodes before(8);
  Nodes after = before;
  after.weights[3] = 2.0;
  Rendezvous a = before.build(), b = after.build();
  for (size_t i = 0; i < 20000; ++i) {
    size_t was = a.pick(address_no(i)), is = b.pick(address_no(i));
    EXPECT_TRUE(was == is || is == 3u);
  }
}

// Each share is binomial: within five standard deviations of what the weights promise.
TEST(Rendezvous, SharesFollowTheWeights) {
  Nodes nodes(6);
  nodes.weights = {0.25, 1, 1, 2, 3.5, 10};
  double total = 0;
  for (double weight : nodes.weights) total += weight;
  Rendezvous hash = nodes.build();
  constexpr double kUsers = 200000;
  std::vector<double> counts(6);
  for (size_t i = 0; i < static_cast<size_t>(kUsers); ++i) ++counts[hash.pick(address_no(i))];
  for (size_t i = 0; i < 6; ++i) {
    double share = nodes.weights[i] / total;
    EXPECT_NEAR(counts[i], kUsers * share, 5 * std::sqrt(kUsers * share * (1 - share))) << nodes.names[i];
  }
}

// a is to have twice its weight within a day, c comes, d goes.
std::vector<Rendezvous::Node> changing() {
  constexpr int64_t kFrom = 1'800'000'000, kUntil = kFrom + 86400;
  return {{"a", 1.0, {2.0, kFrom, kUntil}}, {"b", 1.0}, {"c", 0, {1.0, kFrom, kUntil}}, {"d", 1.0, {0, kFrom, kUntil}}};
}

TEST(Rendezvous, AChangeIsSlowAndEven) {
  constexpr int64_t kFrom = 1'800'000'000, kDay = 86400;
  Rendezvous hash(changing());
  constexpr int kUsers = 20'000;
  auto shares = [&](int64_t now_s) {
    std::array<double, 4> share{};
    for (int i = 0; i < kUsers; ++i) share[hash.pick("user" + std::to_string(i), now_s)] += 1.0 / kUsers;
    return share;
  };
  auto expect = [&](int64_t now_s, std::array<double, 4> weights) {
    auto share = shares(now_s);
    double sum = weights[0] + weights[1] + weights[2] + weights[3];
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(share[i], weights[i] / sum, 0.015) << i << " at " << now_s - kFrom;
  };
  expect(0, {1, 1, 0, 1});
  expect(kFrom, {1, 1, 0, 1});
  expect(kFrom + kDay / 4, {1.25, 1, 0.25, 0.75});
  expect(kFrom + kDay / 2, {1.5, 1, 0.5, 0.5});
  expect(kFrom + kDay, {2, 1, 1, 0});
  expect(kFrom + 1000 * kDay, {2, 1, 1, 0});
}

TEST(Rendezvous, InAChangeUsersMoveOnlyAsTheWeightsDo) {
  constexpr int64_t kFrom = 1'800'000'000;
  Rendezvous hash({{"a", 1.0, {2.0, kFrom, kFrom + 86400}}, {"b", 1.0}, {"c", 1.0}});
  for (int i = 0; i < 2000; ++i) {
    const std::string user = "user" + std::to_string(i);
    size_t before = hash.pick(user, kFrom);
    for (int64_t at = kFrom; at <= kFrom + 86400; at += 600) {
      size_t now = hash.pick(user, at);
      ASSERT_TRUE(now == before || now == 0) << user;
      before = now;
    }
  }
}

TEST(Rendezvous, AChangeGoesByWholeMinutesAndEndsWhereTheNewWeightsAre) {
  constexpr int64_t kFrom = 1'800'000'000;
  Rendezvous hash(changing()), after({{"a", 2.0}, {"b", 1.0}, {"c", 1.0}}),
      before({{"a", 1.0}, {"b", 1.0}, {"d", 1.0}});
  const size_t names[] = {0, 1, 3};  // of `before`
  for (int i = 0; i < 2000; ++i) {
    const std::string user = "user" + std::to_string(i);
    EXPECT_EQ(hash.pick(user, kFrom), names[before.pick(user)]);
    EXPECT_EQ(hash.pick(user, kFrom + 86400), after.pick(user));
    const int64_t minute = kFrom + 60 * (i % 1440);
    for (int64_t second : {1, 30, 59}) EXPECT_EQ(hash.pick(user, minute + second), hash.pick(user, minute));
  }
}

TEST(Rendezvous, EqualWeightsPlaceAlikeWhateverTheWeightIs) {
  Rendezvous a = Nodes(50, 1.0).build(), b = Nodes(50, 7.0).build();
  for (size_t i = 0; i < 2000; ++i) EXPECT_EQ(a.pick(address_no(i)), b.pick(address_no(i)));
}

TEST(Rendezvous, ExtremeWeightsNeitherCrashNorVanish) {
  Nodes nodes(3);
  nodes.weights = {1e-300, 1e300, 1.0};
  Rendezvous hash = nodes.build();
  for (size_t i = 0; i < 1000; ++i) EXPECT_EQ(hash.pick(address_no(i)), 1u);
  nodes.weights = {1e-300, 1e-300, 1e-300};
  EXPECT_LT(nodes.build().pick(""), 3u);
}

}  // namespace
}  // namespace postigo
