// Receipts: when everybody has got what he was sent, when somebody is busy, and when somebody has ended.
#include "proxy/control/receipts.h"

#include <atomic>
#include <future>

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class ReceiptsTest : public WorkerTest {
 protected:
  void await() {
    receipts.await(mailbox, [this] { ++heard; });
  }
  bool hears(int times) {
    const auto until = std::chrono::steady_clock::now() + seconds(60);
    while (heard < times && std::chrono::steady_clock::now() < until) loop.turn(true);
    return heard == times;
  }
  void run_for(milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) loop.turn(true);
  }
  // The worker does nothing else until it is let go.
  void hold(Worker& worker) {
    worker.ask([held = let_go.get_future().share()] { held.wait(); });
  }
  void TearDown() override {
    stop();
    receipts.close();
    mailbox->close();
    loop.turn(false);
    loop.stop();
    loop.run();
    EXPECT_EQ(loop.close(), 0) << "a handle was left open";
  }

  Loop loop{[](uint64_t) {}};
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>(loop.uv());
  Receipts receipts{loop, workers};
  std::promise<void> let_go;
  int heard = 0;
};

TEST_F(ReceiptsTest, WhenEveryWorkerHasGotWhatItWasSentBefore) {
  start();
  std::atomic<int> got = 0;
  hold(*workers[1]);
  for (auto& worker : workers) worker->ask([&] { ++got; });
  await();
  run_for(milliseconds(200));
  EXPECT_EQ(heard, 0) << "one has not";
  let_go.set_value();
  EXPECT_TRUE(hears(1));
  EXPECT_EQ(got, 2);
}

TEST_F(ReceiptsTest, ABusyWorkerKeepsNobodyWaitingForLong) {
  start();
  hold(*workers[0]);
  const auto began = std::chrono::steady_clock::now();
  await();
  run_for(milliseconds(100));
  await();
  EXPECT_TRUE(hears(2));
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(Receipts::kPatienceMs));
  let_go.set_value();
  run_for(milliseconds(300));
  EXPECT_EQ(heard, 2) << "each once";
}

TEST_F(ReceiptsTest, WorkersThatHaveEndedAreNotWaitedFor) {
  start();
  stop();
  await();
  EXPECT_TRUE(hears(1));
}

TEST_F(ReceiptsTest, NobodyHearsAfterTheEnd) {
  start();
  hold(*workers[0]);
  await();
  receipts.close();
  let_go.set_value();
  run_for(milliseconds(300));
  EXPECT_EQ(heard, 0);
}

}  // namespace
}  // namespace postigo
