// FakeEnv: the world of backends/ in the hands of a test: time, turns and threads advance only when told to.
//
// Everything runs on the test's thread, in order. run() is a loop that turns until nothing is left to do; do_work() and
// deliver() take it apart, to destroy a Lookup between the two. ThreadEnv (thread_env.h) has real threads.
#pragma once

#include <cassert>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "backends/env.h"
#include "tests/fakes/call.h"

namespace postigo::fakes {

class FakeEnv final : public Env {
 public:
  uint64_t now_ms() const override { return now_ms_; }
  uint64_t unix_time_s() const override { return 1'700'000'000 + now_ms_ / 1000; }
  void random(std::span<unsigned char> to) override {
    for (unsigned char& octet : to) octet = static_cast<unsigned char>((seed_ = seed_ * 6364136223846793005 + 1) >> 56);
  }

  Ticket defer(std::function<void()> then) override { return after(0, std::move(then)); }
  Ticket after(uint64_t delay_ms, std::function<void()> then) override {
    auto call = std::make_shared<Call>(std::move(then));
    timers_.emplace(now_ms_ + delay_ms, call);
    return Ticket(call);
  }
  Result<Ticket> offload(Pool pool, Turn turn, std::function<void()> work, std::function<void()> done) override {
    if (waiting(pool) >= capacity_[index(pool)]) return fail("the queue is full");
    ++offloaded_[index(pool)];
    auto call = std::make_shared<Call>(std::move(done));
    work_.push_back({pool, turn, std::move(work), call});
    turns_.push_back({pool, turn});
    return Ticket(call);
  }

  Result<Ticket> offload(const std::shared_ptr<Offload>&, Turn turn, std::function<void()> work,
                         std::function<void()> done) override {
    return offload(Pool::lookup, turn, std::move(work), std::move(done));
  }
  // What was asked over HTTP; a test answers it.
  struct Asked {
    HttpRequest request;
    std::function<void(HttpAnswer)> then;
    std::shared_ptr<Call> alive;  // its `then` is null once nobody waits any more
  };
  Ticket fetch(HttpRequest request, std::function<void(HttpAnswer)> then) override {
    auto call = std::make_shared<Call>([] {});
    asked.push_back({std::move(request), std::move(then), call});
    return Ticket(call);
  }
  void answer(HttpAnswer answer) {  // the oldest question
    Asked question = std::move(asked.front());
    asked.pop_front();
    if (question.alive->then) question.then(std::move(answer));
  }
  std::deque<Asked> asked;

  // One turn of the loop; false: there was nothing to do.
  bool turn() {
    bool any = !work_.empty() || !finished_.empty();
    do_work();
    deliver();
    std::vector<std::shared_ptr<Call>> due;
    while (!timers_.empty() && timers_.begin()->first <= now_ms_) {
      due.push_back(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    for (const auto& call : due) call->run();
    return any || !due.empty();
  }

  // Turns until only timers of the future are left.
  void run() {
    while (turn()) {
    }
  }
  void advance(uint64_t ms) {
    now_ms_ += ms;
    run();
  }
  // The threads do all that waits; nobody hears of it before deliver().
  void do_work() {
    while (!work_.empty()) {
      Job job = std::move(work_.front());
      work_.pop_front();
      if (!job.done->then) continue;  // withdrawn
      job.work();
      finished_.push_back(job.done);
    }
  }
  void deliver() {
    auto finished = std::exchange(finished_, {});
    for (const auto& call : finished) call->run();
  }

  size_t jobs(Pool pool) const { return offloaded_[index(pool)]; }
  // Where all jobs of the password pool have waited, in order, since the last call.
  std::vector<Turn> password_turns() {
    std::vector<Turn> turns;
    for (const auto& [pool, turn] : std::exchange(turns_, {})) {
      if (pool == Pool::password) turns.push_back(turn);
    }
    return turns;
  }
  void set_capacity(Pool pool, size_t jobs) { capacity_[index(pool)] = jobs; }
  bool idle() const { return work_.empty() && finished_.empty() && timers_.empty(); }

 private:
  struct Job {
    Pool pool;
    Turn turn;
    std::function<void()> work;
    std::shared_ptr<Call> done;
  };

  static size_t index(Pool pool) { return static_cast<size_t>(pool); }
  size_t waiting(Pool pool) const {
    size_t count = 0;
    for (const Job& job : work_) count += job.pool == pool;
    return count;
  }
  uint64_t now_ms_ = 1000;
  uint64_t seed_ = 1;
  size_t capacity_[2] = {1024, 1024};
  size_t offloaded_[2] = {0, 0};
  std::multimap<uint64_t, std::shared_ptr<Call>> timers_;
  std::deque<Job> work_;
  std::vector<std::pair<Pool, Turn>> turns_;
  std::vector<std::shared_ptr<Call>> finished_;
};

}  // namespace postigo::fakes
