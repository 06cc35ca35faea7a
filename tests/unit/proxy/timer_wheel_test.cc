// The wheel's promises: never early, re-arming and cancelling from anywhere, deadlines beyond one turn, honest lag.
#include "proxy/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/proxy/loop_fixture.h"

// The wheel asks libuv what time it is. Here an hour can pass between two questions.
static std::atomic<uint64_t> leap_ms{0};
extern "C" uint64_t uv_now(const uv_loop_t* loop) { return loop->time + leap_ms; }

namespace postigo {
namespace {

class TimerWheelTest : public LoopTest {
 protected:
  // A timer that counts, and does something more when it fires.
  struct Alarm {
    std::function<void()> then;
    int fired = 0;
    uint64_t when_ms = 0;
    Timer timer{[](void* self) { static_cast<Alarm*>(self)->fire(); }, this};
    void fire() {
      ++fired;
      when_ms = clock_ms();
      if (then) then();
    }
  };

  ~TimerWheelTest() override { leap_ms = 0; }
  void arm(Alarm& alarm, uint64_t delay_ms) { loop.timers().arm(alarm.timer, delay_ms); }
};

TEST_F(TimerWheelTest, FiresOnceAndNeverEarly) {
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<uint64_t> delays = {0, 1, 49, 50, 51, 99, 100, 123, 200, 330};
  turn();
  uint64_t start = clock_ms();
  for (uint64_t delay : delays) {
    alarms.push_back(std::make_unique<Alarm>());
    arm(*alarms.back(), delay);
    EXPECT_EQ(alarms.back()->fired, 0) << "never from inside arm()";
  }
  ASSERT_TRUE(run_until([&] { return alarms.back()->fired != 0; }));
  run_for(120);
  for (size_t i = 0; i < delays.size(); ++i) {
    EXPECT_EQ(alarms[i]->fired, 1) << delays[i];
    EXPECT_GE(alarms[i]->when_ms + 1, start + delays[i]) << delays[i];  // libuv's milliseconds are cut, not rounded
    EXPECT_FALSE(alarms[i]->timer.armed());
  }
}

TEST_F(TimerWheelTest, ReArmingMovesTheDeadline) {
  Alarm later, sooner;
  arm(later, 60);
  arm(later, 250);
  arm(sooner, 3600'000);
  arm(sooner, 60);
  uint64_t start = clock_ms();
  ASSERT_TRUE(run_until([&] { return later.fired != 0; }));
  EXPECT_EQ(later.fired, 1);
  EXPECT_EQ(sooner.fired, 1);
  EXPECT_GE(later.when_ms + 1, start + 249);
  EXPECT_LT(sooner.when_ms, later.when_ms);
}

TEST_F(TimerWheelTest, CancelledOrDestroyedTimersDoNotFire) {
  Alarm cancelled;
  arm(cancelled, 50);
  {
    Alarm destroyed;
    destroyed.then = [] { ADD_FAILURE() << "fired after its end"; };
    arm(destroyed, 50);
  }
  cancelled.timer.cancel();
  cancelled.timer.cancel();
  run_for(160);
  EXPECT_EQ(cancelled.fired, 0);
}

TEST_F(TimerWheelTest, ATimerThatFiresMayCancelAnyOther) {
  Alarm first, second;
  auto third = std::make_unique<Alarm>();
  first.then = [&] {
    second.timer.cancel();
    third.reset();
  };
  second.then = [&] { first.timer.cancel(); };
  arm(first, 50);
  arm(second, 50);
  arm(*third, 50);
  run_for(160);
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(second.fired, 0);
}

TEST_F(TimerWheelTest, ATimerThatFiresMayArmItselfAndOthers) {
  Alarm repeating, other;
  repeating.then = [&] {
    if (repeating.fired < 4) arm(repeating, 0);
    if (repeating.fired == 2) arm(other, 10);
  };
  arm(repeating, 0);
  ASSERT_TRUE(run_until([&] { return repeating.fired == 4; }));
  run_for(110);
  EXPECT_EQ(repeating.fired, 4);
  EXPECT_EQ(other.fired, 1);
}

TEST_F(TimerWheelTest, ATimerMayGoWhileItFires) {
  auto alarm = std::make_unique<Alarm>();
  int fired = 0;
  Alarm* raw = alarm.get();
  raw->then = [&] {
    ++fired;
    loop.bury(std::move(alarm));
  };
  arm(*raw, 0);
  ASSERT_TRUE(run_until([&] { return fired != 0; }));
}

TEST_F(TimerWheelTest, DeadlinesBeyondOneTurnOfTheWheel) {
  constexpr uint64_t kTurnMs = 1024 * TimerWheel::kTickMs;
  Alarm aliased, long_one;
  arm(aliased, kTurnMs + 100);  // the slot of "in 100 ms"
  arm(long_one, 29 * 60'000);   // IDLE
  run_for(260);
  EXPECT_EQ(aliased.fired, 0);
  leap_ms = kTurnMs;
  ASSERT_TRUE(run_until([&] { return aliased.fired != 0; }));
  for (int turns = 2; turns < 34; ++turns) {
    leap_ms = static_cast<uint64_t>(turns) * kTurnMs;
    run_for(60);
    ASSERT_EQ(long_one.fired, 0) << turns;
  }
  leap_ms = 29 * 60'000;
  ASSERT_TRUE(run_until([&] { return long_one.fired != 0; }));
  EXPECT_EQ(aliased.fired, 1);
  EXPECT_EQ(long_one.fired, 1);
}

// A machine that slept: everything that is due fires, each once.
TEST_F(TimerWheelTest, NothingIsForgottenWhenTheClockLeaps) {
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (uint64_t i = 0; i < 3000; ++i) {
    alarms.push_back(std::make_unique<Alarm>());
    arm(*alarms.back(), i * 100);
  }
  leap_ms = 3600'000;
  ASSERT_TRUE(run_until([&] { return alarms.back()->fired != 0; }));
  for (auto& alarm : alarms) ASSERT_EQ(alarm->fired, 1);
}

TEST_F(TimerWheelTest, TellsHowLateTheLoopWas) {
  run_for(300);
  lag_ms = 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(230));
  run_for(60);
  EXPECT_GE(lag_ms, 150u);
  EXPECT_LE(lag_ms, 230u + 1000u);
}

// Ticks that are a millisecond late each are not a lag of a whole tick once in a while.
TEST_F(TimerWheelTest, SmallDelaysDoNotAddUpToALag) {
  run_for(100);
  uint64_t start = clock_ms();
  lag_ms = 0;
  uint64_t worst = 0;
  while (clock_ms() < start + 800) {
    uint64_t before = clock_ms();
    std::this_thread::sleep_for(std::chrono::milliseconds(7));
    turn();
    worst = std::max(worst, clock_ms() - before);  // what the machine really did to us
  }
  EXPECT_LE(lag_ms, worst + 8);
}

TEST_F(TimerWheelTest, TimersOutliveTheWheel) {
  Alarm alarm;
  {
    uv_loop_t bare;
    uv_loop_init(&bare);
    {
      TimerWheel wheel(&bare, nullptr);
      wheel.arm(alarm.timer, 50);
      wheel.close();
      uv_run(&bare, UV_RUN_DEFAULT);
    }
    EXPECT_EQ(uv_loop_close(&bare), 0);
  }
  EXPECT_FALSE(alarm.timer.armed());
  EXPECT_EQ(alarm.fired, 0);
}

}  // namespace
}  // namespace postigo
