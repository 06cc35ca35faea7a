// One backend: when it falls, is tried and rises; by hand, and at random against what must always hold.
#include "backends/balance/health.h"

#include <gtest/gtest.h>

#include <random>

#include "backends/balance/shared_health.h"

namespace postigo {
namespace {

constexpr auto kUp = HealthState::up, kSuspect = HealthState::suspect, kDown = HealthState::down,
               kSlow = HealthState::slow_start;

struct HealthTest : testing::Test {
  Health health{1, 0};
  uint64_t now = 1'000;

  void fell() {
    for (unsigned i = 0; i < health.terms().fall; ++i) health.bad(now, Depth::connect, "refused");
    ASSERT_EQ(health.state(), kDown);
  }
  // As soon as there is one.
  Health::Trial trial() {
    for (uint64_t end = now + 60'000; now < end; now += 10) {
      if (auto got = health.try_out(now, 15'000)) return *got;
    }
    ADD_FAILURE() << "no trial within a minute";
    return 0;
  }
};

TEST_F(HealthTest, OneFailureIsSuspicionAndASuccessEndsIt) {
  auto change = health.bad(now, Depth::connect, "refused");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->now, kSuspect);
  EXPECT_EQ(health.share(now), 100u) << "it still serves";
  change = health.good(now + 5, Depth::login);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->now, kUp);
  EXPECT_EQ(change->lasted_ms, 5u);
  EXPECT_TRUE(health.calm());
}

TEST_F(HealthTest, FallsOnceAndSaysWhy) {
  health.bad(now, Depth::connect, "refused");
  health.bad(now, Depth::connect, "refused");
  auto change = health.bad(now, Depth::greeting, "silent");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->now, kDown);
  EXPECT_EQ(change->why, "silent");
  EXPECT_EQ(health.share(now), 0u);
  EXPECT_FALSE(health.bad(now, Depth::connect, "late")) << "those that began before say nothing new";
  EXPECT_EQ(health.why(), "silent");
}

TEST_F(HealthTest, SilenceFallsAsFastAsARefusal) {
  Health refusing{1, 0};
  for (int i = 0; i < 3; ++i) {
    health.bad(now, Depth::greeting, "silent");
    refusing.bad(now, Depth::connect, "refused");
  }
  EXPECT_EQ(health.state(), kDown);
  EXPECT_EQ(refusing.state(), kDown);
}

TEST_F(HealthTest, FailuresFarApartAreNoRow) {
  for (int i = 0; i < 10; ++i, now += health.terms().memory_ms + 1) health.bad(now, Depth::connect, "refused");
  EXPECT_EQ(health.state(), kSuspect);
  EXPECT_EQ(health.tick(now + health.terms().memory_ms + 1)->now, kUp) << "suspicion lapses";
}

TEST_F(HealthTest, OneUsersMailboxTakesNobodyElseDown) {
  for (int i = 0; i < 100; ++i) health.bad(now, Depth::login, "[UNAVAILABLE]", 7);
  EXPECT_EQ(health.state(), kSuspect);
  for (uint64_t user : {8u, 9u}) health.bad(now, Depth::login, "[UNAVAILABLE]", user);
  EXPECT_EQ(health.state(), kDown) << "three users are not one";
}

TEST_F(HealthTest, ASuccessAboveTheFailureProvesNothing) {
  for (uint64_t user : {1u, 2u, 3u}) health.bad(now, Depth::login, "[UNAVAILABLE]", user);
  ASSERT_EQ(health.state(), kDown);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(health.good(now, Depth::greeting));
  EXPECT_EQ(health.state(), kDown) << "it greets, as it did when logins failed";
  health.good(now, Depth::login);
  EXPECT_EQ(health.good(now, Depth::login)->now, kSlow);
}

TEST_F(HealthTest, OneTrialAtATimeAndItsLeaseFreesALostOne) {
  fell();
  EXPECT_FALSE(health.try_out(now, 15'000)) << "not at once";
  Health::Trial first = trial();
  EXPECT_FALSE(health.try_out(now, 15'000)) << "somebody is at it";
  EXPECT_FALSE(health.try_out(now + 14'999, 15'000));
  auto second = health.try_out(now + 15'000, 15'000);
  ASSERT_TRUE(second) << "the first was lost";
  health.bad(now + 15'001, Depth::connect, "refused", 0, first);
  EXPECT_FALSE(health.try_out(now + 15'002, 15'000)) << "the lost one's word does not end the second";
  health.dropped(*second);
  EXPECT_TRUE(health.try_out(now + 15'003, 15'000)) << "whose client left";
}

TEST_F(HealthTest, TrialsGrowRarerWithinBounds) {
  fell();
  uint64_t last = now, longest = 0;
  for (int i = 0; i < 12; ++i) {
    Health::Trial id = trial();
    uint64_t waited = now - last;
    EXPECT_LE(waited, health.terms().retry_max_ms + 10);
    EXPECT_GE(waited + 10, std::min<uint64_t>(750ULL << std::min(i, 5), 22'500)) << i;
    longest = std::max(longest, waited);
    health.bad(now, Depth::connect, "refused", 0, id);
    last = now;
  }
  EXPECT_GE(longest, 22'000u);
}

TEST_F(HealthTest, RisesAfterSoManySuccessesAndItsShareGrows) {
  fell();
  Health::Trial id = trial();
  EXPECT_FALSE(health.good(now, Depth::login, id));
  auto next = health.try_out(now, 15'000);
  ASSERT_TRUE(next) << "the next one at once";
  EXPECT_EQ(health.good(now, Depth::login, *next)->now, kSlow);
  EXPECT_EQ(health.share(now), 10u);
  EXPECT_EQ(health.share(now + 15'000), 55u);
  EXPECT_FALSE(health.tick(now + 29'999));
  EXPECT_EQ(health.tick(now + 30'000)->now, kUp);
  EXPECT_EQ(health.share(now + 30'000), 100u);
}

TEST_F(HealthTest, AFlappingOneIsTriedLessAndLess) {
  uint64_t first = 0, last = 0;
  for (int round = 0; round < 6; ++round) {
    if (health.state() != kDown) health.bad(now, Depth::connect, "refused");
    for (int i = 0; i < 3 && health.state() != kDown; ++i) health.bad(now, Depth::connect, "refused");
    ASSERT_EQ(health.state(), kDown);
    uint64_t from = now;
    Health::Trial id = trial();
    (round == 0 ? first : last) = now - from;
    health.good(now, Depth::login, id);
    health.good(now, Depth::login, *health.try_out(now, 1'000));
    ASSERT_EQ(health.state(), kSlow);
    if (round < 5) {
      EXPECT_EQ(health.bad(now, Depth::connect, "refused")->now, kDown) << "one failure in a slow start is enough";
    }
  }
  EXPECT_GT(last, 8 * first);
}

TEST_F(HealthTest, OneThatGreetsSlowlyIsWaitedFor) {
  EXPECT_EQ(health.patience_ms(), 2'000u);
  health.greeted(900);
  EXPECT_EQ(health.patience_ms(), 2'000u);
  health.greeted(5'000);
  EXPECT_EQ(health.patience_ms(), 10'000u);
  EXPECT_FALSE(health.calm()) << "so that its next greeting is looked at";
  for (int i = 0; i < 20; ++i) health.greeted(3);
  EXPECT_EQ(health.patience_ms(), 2'000u) << "and no longer than it is slow";
  EXPECT_TRUE(health.calm());
}

TEST_F(HealthTest, WhatItKnowsSurvivesARestart) {
  for (uint64_t user : {1u, 2u, 3u}) health.bad(now, Depth::login, "[UNAVAILABLE]", user);
  auto memory = health.memory(now + 4'000);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->for_ms, 4'000u);
  Health next{2, 50'000};
  next.remember(*memory, 50'000);
  EXPECT_EQ(next.state(), kDown);
  EXPECT_EQ(next.since_ms(), 46'000u);
  EXPECT_FALSE(next.good(50'000, Depth::greeting)) << "a restart makes no sick backend look well";
  EXPECT_TRUE(next.try_out(50'000, 1'000)) << "but it is looked at, at once";
  EXPECT_FALSE(Health(3, 0).memory(0));
}

// Signals at random, with the trials that they are given.
class Weather {
 public:
  explicit Weather(uint64_t seed) : random_(seed), health(seed, 0) {
    HealthTerms terms;
    terms.rise = 1 + static_cast<unsigned>(random_() % 4);
    terms.fall = 1 + static_cast<unsigned>(random_() % 4);
    health.set_terms(terms);
  }

  std::optional<Health::Change> step() {
    now += random_() % 400;
    before = health.state();
    auto depth = static_cast<Depth>(random_() % 4);
    Health::Trial with = random_() % 2 == 0 ? std::exchange(mine_, 0) : 0;
    switch (random_() % 5) {
      case 0:
        ++good;
        return health.good(now, depth, with);
      case 1:
        ++bad;
        return health.bad(now, depth, "x", 1 + random_() % 5, with);
      case 2:
        return health.tick(now);
      case 3:
        health.dropped(with);
        return std::nullopt;
      default:
        if (with != 0) mine_ = with;
        try_out();
        return std::nullopt;
    }
  }

  std::mt19937_64 random_;
  Health health;
  HealthState before = kUp;
  uint64_t now = 0;
  unsigned good = 0, bad = 0;  // since it fell, or rose

 private:
  void try_out() {
    auto trial = health.try_out(now, 1'000);
    if (!trial) return;
    EXPECT_EQ(health.state(), kDown);
    EXPECT_TRUE(mine_ == 0 || now >= lease_end_) << "two at a time";
    mine_ = *trial;
    lease_end_ = now + 1'000;
  }

  Health::Trial mine_ = 0;
  uint64_t lease_end_ = 0;
};

// Whatever comes in whatever order: one trial at a time; down and only down has no share; nobody is kept out for ever;
// it falls only by failures and rises only by successes.
TEST(HealthRandom, Invariants) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Weather weather(seed);
    const Health& health = weather.health;
    for (int step = 0; step < 2'000; ++step) {
      auto change = weather.step();
      EXPECT_EQ(health.share(weather.now) == 0, health.state() == kDown);
      EXPECT_LE(health.share(weather.now), 100u);
      uint64_t later = weather.now + health.terms().retry_max_ms + 1'000;
      EXPECT_TRUE(health.state() != kDown || health.trial_due(later));
      if (!change) continue;
      EXPECT_EQ(change->before, weather.before);
      EXPECT_EQ(change->now, health.state());
      bool rose = change->before == kDown, fell = change->now == kDown;
      EXPECT_FALSE(rose && weather.good < health.terms().rise) << "time alone heals nobody";
      EXPECT_FALSE(fell && change->before != kSlow && weather.bad < health.terms().fall);
      if (rose || fell) weather.good = weather.bad = 0;
    }
  }
}

TEST(SharedHealth, ThreadsShareOneTrialAndOneFall) {
  SharedHealth shared{1, 0};
  EXPECT_TRUE(shared.calm());
  EXPECT_TRUE(shared.admit(1, 1'000).admitted);
  for (int i = 0; i < 10; ++i) shared.bad(10, Depth::connect, "refused");
  EXPECT_EQ(shared.falls(), 1u);
  EXPECT_TRUE(shared.down());
  EXPECT_FALSE(shared.admit(11, 1'000).admitted);
  auto trial = shared.admit(5'000, 1'000);
  EXPECT_TRUE(trial.admitted);
  EXPECT_NE(trial.trial, 0u);
  EXPECT_FALSE(shared.admit(5'000, 1'000).admitted);
  EXPECT_EQ(shared.trials(), 1u);
  EXPECT_EQ(shared.view(5'000).state, kDown);
  shared.good(5'001, Depth::login, trial.trial);
  shared.good(5'002, Depth::login);
  EXPECT_FALSE(shared.down());
  shared.remember({Depth::login, "refused", 10}, 5'003);
  EXPECT_TRUE(shared.down());
}

}  // namespace
}  // namespace postigo
