// The pools for blocking work: bounded, parallel, and gone without waiting for what nobody needs any more.
#include "backends/work/offload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace postigo {
namespace {

// A door that jobs wait at.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

TEST(Offload, RunsJobsOnItsThreads) {
  std::atomic<int> done{0};
  std::atomic<bool> elsewhere{true};
  std::thread::id here = std::this_thread::get_id();
  {
    Offload pool(3, 100);
    for (int i = 0; i < 100; ++i) {
      while (!pool.submit([&] {
        if (std::this_thread::get_id() == here) elsewhere = false;
        ++done;
      })) {
        std::this_thread::yield();
      }
    }
    while (done < 100) std::this_thread::yield();
  }
  EXPECT_TRUE(elsewhere);
}

TEST(Offload, AllThreadsWorkAtTheSameTime) {
  Gate gate;
  Offload pool(3, 100);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.submit([&] { gate.wait(); }));
  gate.await_arrivals(3);  // hangs if one thread did them in turn
  gate.open();
}

TEST(Offload, AFullQueueRefuses) {
  Gate gate;
  std::atomic<int> done{0};
  Offload pool(1, 2);
  EXPECT_EQ(pool.limit(), 6u) << "two in each of three lines";
  ASSERT_TRUE(pool.submit([&] { gate.wait(); }));
  gate.await_arrivals(1);
  EXPECT_TRUE(pool.submit([&] { ++done; }));
  EXPECT_TRUE(pool.submit([&] { ++done; }));
  EXPECT_EQ(pool.waiting(), 2u);
  auto held = std::make_shared<int>(0);
  EXPECT_FALSE(pool.submit([held] { ++*held; }));
  EXPECT_EQ(held.use_count(), 1) << "a refused job is not kept";
  gate.open();
  while (done < 2) std::this_thread::yield();
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_TRUE(pool.submit([] {})) << "there is room again";
}

TEST(Offload, ItsEndWaitsForTheRunningAndDropsTheWaiting) {
  Gate gate;
  std::atomic<bool> finished{false}, dropped_ran{false};
  auto held = std::make_shared<int>(0);
  std::thread opener;
  {
    Offload pool(1, 10);
    ASSERT_TRUE(pool.submit([&] {
      gate.wait();
      finished = true;
    }));
    gate.await_arrivals(1);
    ASSERT_TRUE(pool.submit([held, &dropped_ran] { dropped_ran = true; }));
    opener = std::thread([&] {
      while (held.use_count() > 1) std::this_thread::yield();  // until the destructor has dropped it
      gate.open();
    });
  }
  EXPECT_TRUE(finished);
  EXPECT_FALSE(dropped_ran);
  opener.join();
}

// A directory's server hangs, and a reload has taken the directory out: nobody waits for it. The last who owns the
// threads may be one of them.
TEST(Offload, ItsEndMayLeaveTheRunning) {
  auto gate = std::make_shared<Gate>();
  std::atomic<bool> finished{false};
  {
    auto pool = std::make_shared<Offload>(1, 10, 0, Offload::Running::left);
    ASSERT_TRUE(pool->submit([gate, pool, &finished] {
      gate->wait();
      finished = true;
    }));
    gate->await_arrivals(1);
  }
  EXPECT_FALSE(finished);
  gate->open();
  while (!finished) std::this_thread::yield();
}

TEST(Offload, A36_WhatIsWithdrawnIsNeverRun) {
  Gate gate;
  std::atomic<int> ran{0};
  auto held = std::make_shared<int>(0);
  Offload pool(1, 10);
  ASSERT_TRUE(pool.submit([&] { gate.wait(); }));
  gate.await_arrivals(1);
  auto given_up = pool.submit([&ran, held] { ++ran; });
  auto stays = pool.submit([&ran] { ran += 10; });
  pool.withdraw(given_up);
  EXPECT_EQ(held.use_count(), 1) << "its work is destroyed at once: a password may be in it";
  EXPECT_EQ(pool.waiting(), 1u);
  gate.open();
  while (ran == 0) std::this_thread::yield();
  pool.withdraw(stays);
  pool.withdraw(given_up);
  EXPECT_EQ(ran, 10);
}

TEST(Offload, A36_ItLearnsWhatJobsCost) {
  std::atomic<int> done{0};
  Offload pool(1, 1000, 100);
  EXPECT_EQ(pool.limit(), 3000u);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.submit([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++done;
    }));
  }
  while (done < 3) std::this_thread::yield();
  EXPECT_LE(pool.limit(), 2002u) << "at most 50 ms / 20 ms in that line";
}

// Withdrawing, refusing and running meet; every job that was accepted runs or is withdrawn.
TEST(Offload, A36_ManyThreadsSubmitAndWithdraw) {
  std::atomic<int> done{0};
  {
    Offload pool(2, 64);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 2000; ++i) {
          auto job = pool.submit([&] { ++done; }, {static_cast<Turn::Rank>(i % 3), t});
          if (job && i % 2) pool.withdraw(job);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    while (pool.waiting() != 0) std::this_thread::yield();
  }
  EXPECT_GT(done, 0);
}

TEST(Offload, ManyThreadsSubmit) {
  std::atomic<int> done{0}, accepted{0};
  {
    Offload pool(2, 16);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          if (pool.submit([&] { ++done; })) ++accepted;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    while (done < accepted) std::this_thread::yield();
  }
  EXPECT_EQ(done, accepted);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace postigo
