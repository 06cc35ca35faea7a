// ThreadEnv: FakeEnv's counterpart with real threads, for races and for time: one thread per pool slot, and a run loop
// for the test's own thread, which alone asks for timers.
#pragma once

#include <sys/random.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "backends/env.h"
#include "tests/fakes/call.h"

namespace postigo::fakes {

class ThreadEnv final : public Env {
 public:
  explicit ThreadEnv(size_t threads_per_pool) {
    for (Workers& workers : pools_) {
      for (size_t i = 0; i < threads_per_pool; ++i) threads_.emplace_back([this, &workers] { serve(workers); });
    }
  }
  ~ThreadEnv() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  uint64_t now_ms() const override {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
  }
  uint64_t unix_time_s() const override { return now_ms() / 1000; }
  void random(std::span<unsigned char> to) override {
    if (getrandom(to.data(), to.size(), 0) < 0) std::abort();
  }
  Ticket defer(std::function<void()> then) override {
    auto call = std::make_shared<Call>(std::move(then));
    post(call);
    return Ticket(call);
  }
  Ticket after(uint64_t delay_ms, std::function<void()> then) override {
    auto call = std::make_shared<Call>(std::move(then));
    timers_.emplace(now_ms() + delay_ms, call);
    return Ticket(call);
  }
  Result<Ticket> offload(Pool pool, Turn, std::function<void()> work, std::function<void()> done) override {
    auto call = std::make_shared<Call>(std::move(done));
    {
      std::lock_guard lock(mutex_);
      pools_[static_cast<size_t>(pool)].jobs.push_back({std::move(work), call});
    }
    changed_.notify_all();
    return Ticket(call);
  }

  Result<Ticket> offload(const std::shared_ptr<Offload>&, Turn turn, std::function<void()> work,
                         std::function<void()> done) override {
    return offload(Pool::lookup, turn, std::move(work), std::move(done));
  }
  Ticket fetch(HttpRequest, std::function<void(HttpAnswer)>) override { std::abort(); }

  // Turns until `done` says so.
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      std::unique_lock lock(mutex_);
      const auto some = [this] { return !ready_.empty(); };
      if (timers_.empty()) {
        changed_.wait(lock, some);
      } else {
        const uint64_t now = now_ms(), due = timers_.begin()->first;
        changed_.wait_for(lock, std::chrono::milliseconds(due > now ? due - now : 0), some);
      }
      auto ready = std::exchange(ready_, {});
      lock.unlock();
      for (; !timers_.empty() && timers_.begin()->first <= now_ms(); timers_.erase(timers_.begin())) {
        ready.push_back(timers_.begin()->second);
      }
      for (const auto& call : ready) call->run();
    }
  }

 private:
  struct Job {
    std::function<void()> work;
    std::shared_ptr<Call> done;
  };
  struct Workers {
    std::deque<Job> jobs;
  };

  void post(std::shared_ptr<Call> call) {
    {
      std::lock_guard lock(mutex_);
      ready_.push_back(std::move(call));
    }
    changed_.notify_all();
  }
  void serve(Workers& workers) {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !workers.jobs.empty(); });
      if (workers.jobs.empty()) return;
      Job job = std::move(workers.jobs.front());
      workers.jobs.pop_front();
      lock.unlock();
      job.work();
      job.work = nullptr;  // what it owns goes before the loop hears of it
      post(std::move(job.done));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Workers pools_[2];
  std::deque<std::shared_ptr<Call>> ready_;
  std::multimap<uint64_t, std::shared_ptr<Call>> timers_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace postigo::fakes
