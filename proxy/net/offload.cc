// Threads around a FairQueue: one mutex, one condition. Work is never destroyed under the mutex: it may own anything.
#include "proxy/net/offload.h"

#include <chrono>
#include <utility>

namespace postigo {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t microseconds_since(Clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

}  // namespace

Offload::Offload(unsigned threads, size_t queue_max, uint64_t patience_ms)
    : queue_(threads, queue_max, patience_ms * 1000) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Offload::~Offload() {
  std::vector<Job> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    while (Job job = queue_.pop()) dropped.push_back(std::move(job));
  }
  wake_.notify_all();
  for (const Job& job : dropped) job->work = nullptr;  // it may hold who holds the job
  for (std::thread& thread : threads_) thread.join();
}

void Offload::set_patience(uint64_t patience_ms) {
  std::lock_guard lock(mutex_);
  queue_.set_patience(patience_ms * 1000);
}

Offload::Job Offload::submit(std::function<void()> work, Turn turn) {
  auto job = std::make_shared<FairQueue::Job>();
  job->work = std::move(work);
  job->turn = turn;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || !queue_.push(job)) return nullptr;
  }
  wake_.notify_one();
  return job;
}

void Offload::withdraw(const Job& job) {
  std::function<void()> dropped;
  std::lock_guard lock(mutex_);
  if (!job->waiting) return;
  dropped = std::move(job->work);
  queue_.remove(*job);
}

size_t Offload::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

size_t Offload::limit() const {
  std::lock_guard lock(mutex_);
  return queue_.limit();
}

// Null: the end.
Offload::Job Offload::next(std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || queue_.size() != 0; });
  if (stopping_) return nullptr;
  Job job = queue_.pop();
  work = std::exchange(job->work, nullptr);
  return job;
}

void Offload::run() {
  std::function<void()> work;
  while (Job job = next(work)) {
    const auto begun = Clock::now();
    work();
    work = nullptr;
    std::lock_guard lock(mutex_);
    queue_.took(job->turn, microseconds_since(begun));
  }
}

}  // namespace postigo
