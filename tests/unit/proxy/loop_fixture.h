// A Loop on the test's own thread, run step by step. At the end every handle must be gone: uv_loop_close() == 0.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "proxy/net/loop.h"

namespace postigo {

class LoopTest : public testing::Test {
 protected:
  static uint64_t clock_ms() {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
  }

  void turn() { loop.turn(false); }

  // Runs the loop until `done` says so; false after ten seconds. The wheel's tick wakes it often enough.
  bool run_until(const std::function<bool()>& done) {
    uint64_t until = clock_ms() + 10'000;
    while (!done()) {
      if (clock_ms() > until) return false;
      loop.turn(true);
    }
    return true;
  }
  void run_for(uint64_t ms) {
    uint64_t until = clock_ms() + ms;
    while (clock_ms() < until) loop.turn(true);
  }

  void TearDown() override {
    turn();
    loop.stop();
    loop.run();
    EXPECT_EQ(loop.close(), 0) << "a handle was left open";
  }

  uint64_t lag_ms = 0;  // the greatest that the wheel told
  Loop loop{[this](uint64_t ms) { lag_ms = std::max(lag_ms, ms); }};
};

}  // namespace postigo
