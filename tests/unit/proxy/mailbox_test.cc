// The door between threads: nothing lost while it is open, nothing run once it is closed, whoever posts meanwhile.
#include "proxy/base/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

class MailboxTest : public LoopTest {
 protected:
  Mailbox mailbox{loop.uv()};
};

TEST_F(MailboxTest, RunsLettersInOrderOnTheLoopsThread) {
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mailbox.post([&seen, i] { seen.push_back(i); }));
  EXPECT_TRUE(seen.empty()) << "never from inside post()";
  ASSERT_TRUE(run_until([&] { return seen.size() == 3; }));
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
  mailbox.close();
}

TEST_F(MailboxTest, ALetterThatPostsIsNotServedFirst) {
  int rounds = 0;
  bool timer_fired = false;
  Timer timer([](void* fired) { *static_cast<bool*>(fired) = true; }, &timer_fired);
  loop.timers().arm(timer, 0);
  std::function<void()> again = [&] {
    ++rounds;
    if (!timer_fired) mailbox.post(again);
  };
  mailbox.post(again);
  EXPECT_TRUE(run_until([&] { return timer_fired; })) << "mail starves the rest";
  EXPECT_GT(rounds, 0);
  mailbox.close();
}

TEST_F(MailboxTest, FourThreadsLoseNothing) {
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<int> last(kThreads, -1);  // touched on the loop's thread only
  int received = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        bool posted = mailbox.post([&, t, i] {
          EXPECT_EQ(last[static_cast<size_t>(t)], i - 1);
          last[static_cast<size_t>(t)] = i;
          ++received;
        });
        ASSERT_TRUE(posted);
      }
    });
  }
  EXPECT_TRUE(run_until([&] { return received == kThreads * kEach; }));
  for (std::thread& thread : threads) thread.join();
  mailbox.close();
}

TEST_F(MailboxTest, ClosingWhileFourThreadsPost) {
  std::atomic<bool> stop{false};
  std::atomic<int> accepted{0}, refused{0};
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!stop) (mailbox.post([&ran] { ++ran; }) ? accepted : refused)++;
    });
  }
  EXPECT_TRUE(run_until([&] { return ran > 1000; }));
  mailbox.close();
  int after_close = ran;
  turn();
  turn();
  while (refused < 100) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, after_close) << "a letter ran after close()";
  EXPECT_GE(accepted, ran);
}

TEST_F(MailboxTest, ClosingDropsWhatHasNotRun) {
  auto held = std::make_shared<int>(0);
  mailbox.post([held] { ++*held; });
  EXPECT_EQ(held.use_count(), 2);
  mailbox.close();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(mailbox.post([held] { ++*held; }));
  EXPECT_EQ(held.use_count(), 1);
  turn();
  EXPECT_EQ(*held, 0);
  mailbox.close();  // once more is harmless
}

TEST_F(MailboxTest, ALetterMayCloseTheMailbox) {
  int ran = 0;
  mailbox.post([&] {
    ++ran;
    mailbox.close();
  });
  mailbox.post([&] { ++ran; });  // the same delivery
  ASSERT_TRUE(run_until([&] { return ran > 0; }));
  turn();
  EXPECT_LE(ran, 2);
}

}  // namespace
}  // namespace postigo
