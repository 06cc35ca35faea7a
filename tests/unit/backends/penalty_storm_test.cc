// Many at a time: attackers who open as many connections as they like, and crowds who are in the right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/backends/penalty_scene.h"

namespace postigo {
namespace {

using Attempt = Penalties::Attempt;
using Turn = Attempt::Turn;

// What happens when, in the order of time.
class Storm : public testing::Test {
 protected:
  struct Client {
    std::string from, user;
    bool good = false;
    unsigned turns = 0;  // attempts that are left to him
  };

  void run(std::vector<Client> clients, uint64_t until_ms) {
    clients_ = std::move(clients);
    for (size_t i = 0; i < clients_.size(); ++i) events_.emplace(now_ms_, Event{i, false, {}});
    while (!events_.empty() && events_.begin()->first < until_ms) {
      auto first = events_.begin();
      now_ms_ = first->first;
      Event event = first->second;
      events_.erase(first);
      event.tried ? end(event) : begin(event.client);
    }
  }

  Penalties penalties_{1000, {3, 4}};
  PenaltyRules rules_ = rules();
  uint64_t now_ms_ = 1'000'000;
  std::vector<uint64_t> guesses_ms_, logins_ms_;
  unsigned refused_ = 0;

 private:
  static constexpr uint64_t kLookupMs = 50, kRefusalMs = 2'000;
  struct Event {
    size_t client;
    bool tried;
    Attempt attempt;
  };

  void begin(size_t index) {
    Client& client = clients_[index];
    if (client.turns == 0) return;
    Attempt attempt = penalties_.begin(rules_, {address(client.from), client.user}, now_ms_);
    if (attempt.turn == Turn::again) return void(events_.emplace(now_ms_ + attempt.wait_ms, Event{index, false, {}}));
    if (attempt.turn == Turn::refused) {
      ++refused_;
      return again(index, kRefusalMs);
    }
    events_.emplace(now_ms_ + attempt.wait_ms + kLookupMs, Event{index, true, attempt});
  }

  void end(const Event& event) {
    Client& client = clients_[event.client];
    const Guest guest{address(client.from), client.user};
    if (client.good) {
      logins_ms_.push_back(now_ms_);
      penalties_.succeeded(rules_, guest, event.attempt, now_ms_);
    } else {
      guesses_ms_.push_back(now_ms_);
      penalties_.failed(rules_, guest, event.attempt, std::to_string(random_()), now_ms_);
    }
    again(event.client, random_() % kRefusalMs);
  }

  void again(size_t index, uint64_t after_ms) {
    --clients_[index].turns;
    events_.emplace(now_ms_ + after_ms, Event{index, false, {}});
  }

  std::vector<Client> clients_;
  std::multimap<uint64_t, Event> events_;
  std::mt19937_64 random_{20261127};
};

// 500 connections of one /64, each from an address of its own and at another name, as fast as they may.
TEST_F(Storm, A23_ManyConnectionsOfOneNetworkGuessNoFasterThanOne) {
  std::vector<Client> crowd;
  for (int i = 0; i < 500; ++i) {
    crowd.push_back({"2001:db8:1:1::" + std::to_string(i), "u" + std::to_string(i), false, 100'000});
  }
  constexpr uint64_t kSeconds = 1'800;
  run(crowd, now_ms_ + kSeconds * 1'000);
  EXPECT_LE(guesses_ms_.size(), 10 + 32 + kSeconds / 15 + 10);
  EXPECT_GT(guesses_ms_.size(), kSeconds / 30);
  EXPECT_GT(refused_, 1'000) << "beyond the queue nobody waits";
}

// A company behind one address comes back after a restart of the door, when nobody is known.
TEST_F(Storm, ACrowdThatIsRightGetsIn) {
  std::vector<Client> crowd;
  for (int i = 0; i < 1'000; ++i) crowd.push_back({"192.0.2.1", "u" + std::to_string(i), true, 1});
  for (int i = 0; i < 5; ++i) crowd.push_back({"192.0.2.1", "wrong" + std::to_string(i), false, 1});
  uint64_t start = now_ms_;
  run(crowd, now_ms_ + 60'000);
  EXPECT_EQ(logins_ms_.size(), 1'000);
  EXPECT_EQ(refused_, 0);
  EXPECT_LE(logins_ms_.back() - start, 15'000);
}

// Some of each, at random, for hours: those who are known get in whenever they come.
TEST_F(Storm, ARandomisedAttackerBehindTheSameAddressHoldsNobodyBack) {
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    const std::string name = "good" + std::to_string(i);
    const Guest guest{address("192.0.2.1"), name};
    penalties_.succeeded(rules_, guest, penalties_.begin(rules_, guest, now_ms_), now_ms_);
  }
  std::vector<Client> crowd;
  for (int i = 0; i < 200; ++i) {
    crowd.push_back({"192.0.2.1", "u" + std::to_string(random() % 50), false, 100'000});
  }
  constexpr unsigned kTurns = 200;
  for (int i = 0; i < 20; ++i) crowd.push_back({"192.0.2.1", "good" + std::to_string(i), true, kTurns});
  run(crowd, now_ms_ + 3'600'000);
  EXPECT_EQ(logins_ms_.size(), 20 * kTurns);
  EXPECT_LE(guesses_ms_.size(), 10 + 32 + 3'600 / 15 + 10);
}

}  // namespace
}  // namespace postigo
