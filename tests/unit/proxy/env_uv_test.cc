// The directories' view of the world: later means later, cancelled means never, and a late result finds nobody.
#include "proxy/net/env_uv.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <set>
#include <thread>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using Pool = Env::Pool;

class EnvUvTest : public LoopTest {
 protected:
  void TearDown() override {
    mailbox->close();
    LoopTest::TearDown();
  }
  // What a test of offload() waits for: a job that began and may not end yet.
  std::function<void()> blocked_work() {
    return [this] {
      started = true;
      while (!release) std::this_thread::yield();
    };
  }

  std::atomic<bool> started{false}, release{false};
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>(loop.uv());
  Offload lookups{2, 2}, passwords{1, 2};
  HttpClient http{loop};
  EnvUv env{loop, mailbox, lookups, passwords, http};
};

TEST_F(EnvUvTest, DeferredCallsComeOnTheNextTurn) {
  int ran = 0;
  Ticket ticket = env.defer([&] { ++ran; });
  EXPECT_EQ(ran, 0);
  ASSERT_TRUE(run_until([&] { return ran == 1; }));
  turn();
  EXPECT_EQ(ran, 1);
}

TEST_F(EnvUvTest, ADeferredCallThatDefersDoesNotBlockTheTurn) {
  int ran = 0;
  Ticket inner;
  Ticket outer = env.defer([&] {
    ++ran;
    inner = env.defer([&] { ++ran; });
  });
  turn();
  int after_one = ran;
  ASSERT_TRUE(run_until([&] { return ran == 2; }));
  EXPECT_LE(after_one, 1);
}

TEST_F(EnvUvTest, CancelledCallsNeverCome) {
  int ran = 0;
  auto held = std::make_shared<int>(0);
  {
    Ticket dropped = env.defer([&ran, held] { ++ran; });
    Ticket delayed = env.after(10, [&ran, held] { ++ran; });
  }
  EXPECT_EQ(held.use_count(), 1) << "what a cancelled call holds goes at once";
  Ticket replaced = env.after(10, [&] { ++ran; });
  replaced = env.after(20, [&] { ran += 100; });
  ASSERT_TRUE(run_until([&] { return ran != 0; }));
  run_for(120);
  EXPECT_EQ(ran, 100);
}

TEST_F(EnvUvTest, AfterIsNeverEarly) {
  turn();
  uint64_t start = clock_ms(), end = 0;
  Ticket ticket = env.after(120, [&] { end = clock_ms(); });
  ASSERT_TRUE(run_until([&] { return end != 0; }));
  EXPECT_GE(end + 1, start + 120);
}

TEST_F(EnvUvTest, ACallMayDestroyItsOwnTicketAndOthers) {
  int ran = 0;
  std::optional<Ticket> first, second, delayed;
  first.emplace(env.defer([&] {
    ++ran;
    first.reset();
    second.reset();
  }));
  second.emplace(env.defer([&] { ran += 10; }));
  delayed.emplace(env.after(1, [&] {
    ++ran;
    delayed.reset();
  }));
  ASSERT_TRUE(run_until([&] { return ran >= 2; }));
  run_for(60);
  EXPECT_EQ(ran, 2);
}

TEST_F(EnvUvTest, OffloadWorksElsewhereAndAnswersHere) {
  std::thread::id here = std::this_thread::get_id();
  std::thread::id worked, answered;
  auto ticket = env.offload(
      Pool::lookup, {}, [&] { worked = std::this_thread::get_id(); }, [&] { answered = std::this_thread::get_id(); });
  ASSERT_TRUE(ticket.has_value());
  ASSERT_TRUE(run_until([&] { return answered != std::thread::id(); }));
  EXPECT_EQ(answered, here);
  EXPECT_NE(worked, here);
}

TEST_F(EnvUvTest, AResultThatComesAfterTheCancelFindsNobody) {
  auto held = std::make_shared<int>(0);
  auto ticket = env.offload(Pool::lookup, {}, blocked_work(), [held] { ++*held; });
  while (!started) std::this_thread::yield();
  ticket->cancel();
  EXPECT_EQ(held.use_count(), 1);
  release = true;
  run_for(120);
  EXPECT_EQ(*held, 0);
}

TEST_F(EnvUvTest, A36_WorkThatIsCancelledBeforeItBeginsIsNotDone) {
  std::atomic<int> worked{0};
  auto held = std::make_shared<int>(0);
  auto running = env.offload(Pool::password, {}, blocked_work(), [] {});
  while (!started) std::this_thread::yield();
  {
    auto given_up = env.offload(
        Pool::password, {}, [&worked, held] { ++worked; }, [held] { ++*held; });
    ASSERT_TRUE(given_up);
    EXPECT_EQ(passwords.waiting(), 1u);
  }
  EXPECT_EQ(passwords.waiting(), 0u);
  EXPECT_EQ(held.use_count(), 1);
  release = true;
  run_for(60);
  EXPECT_EQ(worked, 0);
}

TEST_F(EnvUvTest, AResultThatComesAfterTheEndOfTheMailboxIsDropped) {
  auto held = std::make_shared<int>(0);
  {
    auto ticket = env.offload(Pool::password, {}, blocked_work(), [held] { ++*held; });
    while (!started) std::this_thread::yield();
  }
  mailbox->close();
  turn();
  release = true;
  run_for(60);
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(EnvUvTest, FullPoolsSaySoAndDoNotDisturbEachOther) {
  std::vector<Ticket> tickets;
  int done = 0;
  tickets.push_back(std::move(*env.offload(Pool::password, {}, blocked_work(), [&] { ++done; })));
  while (!started) std::this_thread::yield();
  for (int i = 0; i < 2; ++i)
    tickets.push_back(std::move(*env.offload(
        Pool::password, {}, [] {}, [&] { ++done; })));
  auto refused = env.offload(
      Pool::password, {}, [] {}, [&] { done += 100; });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "overloaded: too many look-ups are waiting");
  bool other = false;
  auto ticket = env.offload(
      Pool::lookup, {}, [] {}, [&] { other = true; });
  EXPECT_TRUE(run_until([&] { return other; }));
  EXPECT_EQ(done, 0);
  release = true;
  EXPECT_TRUE(run_until([&] { return done == 3; }));
}

TEST_F(EnvUvTest, RandomAndClock) {
  std::set<std::array<unsigned char, 16>> seen;
  for (int i = 0; i < 100; ++i) {
    std::array<unsigned char, 16> octets{};
    env.random(octets);
    seen.insert(octets);
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_GT(env.unix_time_s(), 1'700'000'000u);
  uint64_t before = env.now_ms();
  run_for(60);
  EXPECT_GT(env.now_ms(), before);
}

}  // namespace
}  // namespace postigo
