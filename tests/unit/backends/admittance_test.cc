// Room at a backend: who goes at once, who waits, who is turned away and why; nobody overtakes, nobody is counted
// twice.
#include "backends/balance/admittance.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>
#include <vector>

namespace postigo {
namespace {

using Answer = Admittance::Answer;

class AdmittanceTest : public testing::Test {
 protected:
  AdmittanceTest() { places.open(10'000, 1'000); }

  Answer ask(Admittance& who) { return who.ask({places, state, terms, pool, now_ms, elsewhere}); }
  // As a session does that has been let in: its place goes on as a relay.
  void relay() { state.sessions.fetch_add(1); }

  Occupancy state;
  Places places;
  config::Backend terms;
  const PoolLimit* pool = nullptr;
  uint64_t now_ms = 100'000;
  bool other_has_room = false;
  std::function<bool()> elsewhere = [this] { return other_has_room; };
};

TEST_F(AdmittanceTest, WithoutLimitsAllGo) {
  Admittance all[50];
  std::vector<Places::Seat> seats;
  for (Admittance& each : all) {
    ASSERT_EQ(ask(each), Answer::go);
    seats.push_back(each.seat());
  }
  EXPECT_EQ(state.queue.size(), 0U);
}

TEST_F(AdmittanceTest, RelaysAndLoginsUnderWayCountTogether) {
  terms.sessions_max = 3;
  relay();
  relay();
  Admittance one, two;
  ASSERT_EQ(ask(one), Answer::go);
  Places::Seat seat = one.seat();
  EXPECT_EQ(ask(two), Answer::wait);
  seat.release();
  EXPECT_EQ(ask(two), Answer::go);
}

TEST_F(AdmittanceTest, WhoWaitsGoesInTheOrderOfArrivalAndNobodyOvertakes) {
  terms.sessions_max = 1;
  Admittance first;
  ASSERT_EQ(ask(first), Answer::go);
  Places::Seat seat = first.seat();
  Admittance a, b, c;
  EXPECT_EQ(ask(a), Answer::wait);
  EXPECT_EQ(ask(b), Answer::wait);
  seat.release();
  EXPECT_EQ(ask(c), Answer::wait) << "who comes now stands behind them, though there is room";
  EXPECT_EQ(ask(b), Answer::wait);
  ASSERT_EQ(ask(a), Answer::go);
  seat = a.seat();
  EXPECT_EQ(ask(b), Answer::wait);
  b.leave();  // his client has gone
  seat.release();
  EXPECT_EQ(ask(c), Answer::go);
  EXPECT_EQ(state.queue.size(), 0U);
}

TEST_F(AdmittanceTest, NobodyWaitsWhereAnotherOneHasRoom) {
  terms.sessions_max = 1;
  relay();
  other_has_room = true;
  Admittance who;
  EXPECT_EQ(ask(who), Answer::no);
  EXPECT_EQ(who.why(), Admittance::Why::sessions);
  EXPECT_EQ(state.queue.size(), 0U);
}

TEST_F(AdmittanceTest, TheLineIsBoundedInLengthAndTime) {
  terms.sessions_max = 1;
  terms.queue_max = 1;
  terms.queue_timeout_ms = 1'500;
  relay();
  Admittance one, two;
  EXPECT_EQ(ask(one), Answer::wait);
  EXPECT_EQ(ask(two), Answer::no);
  EXPECT_EQ(two.why(), Admittance::Why::queue);
  now_ms += 1'499;
  EXPECT_EQ(ask(one), Answer::wait);
  now_ms += 1;
  EXPECT_EQ(ask(one), Answer::no);
  EXPECT_EQ(one.why(), Admittance::Why::sessions);
  one.begin();  // at the next candidate
  EXPECT_EQ(state.queue.size(), 0U);
}

TEST_F(AdmittanceTest, TheRateHasItsOwnReason) {
  terms.logins_per_s = 2;
  Admittance one, two, three;
  EXPECT_EQ(ask(one), Answer::go);
  EXPECT_EQ(ask(two), Answer::go);
  EXPECT_EQ(ask(three), Answer::wait);
  EXPECT_EQ(three.why(), Admittance::Why::rate);
  now_ms += 500;
  EXPECT_EQ(ask(three), Answer::go);
}

TEST_F(AdmittanceTest, APoolIsTheSumOfItsBackends) {
  Occupancy other;
  other.sessions = 2;
  relay();
  PoolLimit limit{4, {&state, &other}};
  pool = &limit;
  Admittance one, two;
  ASSERT_EQ(ask(one), Answer::go);
  Places::Seat seat = one.seat();
  EXPECT_EQ(ask(two), Answer::no);
  EXPECT_EQ(two.why(), Admittance::Why::pool);
  EXPECT_EQ(state.logins, 1);
}

TEST_F(AdmittanceTest, WhoIsRefusedByAPoolTakesNothingOfTheRate) {
  terms.logins_per_s = 1;
  relay();
  PoolLimit limit{1, {&state}};
  pool = &limit;
  Admittance who;
  EXPECT_EQ(ask(who), Answer::no);
  EXPECT_EQ(who.why(), Admittance::Why::pool);
  state.sessions = 0;
  EXPECT_EQ(ask(who), Answer::go);
}

// The limit of logins under way is older than all others: it grows, or it refuses.
TEST_F(AdmittanceTest, WithoutPlacesItIsFull) {
  places.open(10'000, 1);
  Admittance one, two;
  ASSERT_EQ(ask(one), Answer::go);
  EXPECT_EQ(ask(two), Answer::no);
  EXPECT_EQ(two.why(), Admittance::Why::logins);
}

// Workers ask at the same time: at no moment more are in than may be, all who may are let in, and the count ends at
// none.
TEST_F(AdmittanceTest, ManyWorkersNeverLetInTooMany) {
  terms.sessions_max = 7;
  terms.queue_max = 1'000;
  std::atomic<int> inside{0}, most{0}, served{0};
  auto worker = [&] {
    std::function<bool()> nowhere = [] { return false; };
    std::deque<Admittance> waiting(20);
    std::vector<std::pair<Places::Seat, bool>> in;  // and whether it is a relay by now
    for (int turn = 0; turn < 20'000 && (!waiting.empty() || !in.empty()); ++turn) {
      for (size_t i = 0; i < waiting.size();) {
        if (waiting[i].ask({places, state, terms, nullptr, 100'000, nowhere}) != Answer::go) {
          ++i;
          continue;
        }
        in.emplace_back(waiting[i].seat(), false);
        int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        ++served;
        waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(i));
      }
      if (in.empty()) continue;
      auto& [seat, relayed] = in.front();
      if (!relayed) {
        state.sessions.fetch_add(1);
        seat.release();
        relayed = true;
      } else {
        --inside;
        state.sessions.fetch_sub(1);
        in.erase(in.begin());
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(worker);
  for (std::thread& each : threads) each.join();
  EXPECT_LE(most, 7);
  EXPECT_EQ(served, 80);
  EXPECT_EQ(busy_at(state), 0);
  EXPECT_EQ(state.queue.size(), 0U);
}

}  // namespace
}  // namespace postigo
