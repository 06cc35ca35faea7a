// Threads around a FairQueue: one mutex, one condition. Work is never destroyed under the mutex: it may own anything.
#include "backends/work/offload.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace postigo {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t microseconds_since(Clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

}  // namespace

struct Offload::Shared {
  Shared(unsigned threads, size_t queue_max, uint64_t patience_ms) : queue(threads, queue_max, patience_ms * 1000) {}

  void run();
  Job next(std::function<void()>& work);

  std::mutex mutex;
  std::condition_variable wake;
  FairQueue queue;
  bool stopping = false;
};

Offload::Offload(unsigned threads, size_t queue_max, uint64_t patience_ms, Running running)
    : shared_(std::make_shared<Shared>(threads, queue_max, patience_ms)), running_(running) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([shared = shared_] { shared->run(); });
}

Offload::~Offload() {
  std::vector<Job> dropped;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    while (Job job = shared_->queue.pop()) dropped.push_back(std::move(job));
  }
  shared_->wake.notify_all();
  for (const Job& job : dropped) job->work = nullptr;  // it may hold who holds the job
  for (std::thread& thread : threads_) {
    // The last owner may have been the work of one of them.
    if (running_ == Running::left) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

void Offload::set_patience(uint64_t patience_ms) {
  std::lock_guard lock(shared_->mutex);
  shared_->queue.set_patience(patience_ms * 1000);
}

Offload::Job Offload::submit(std::function<void()> work, Turn turn) {
  auto job = std::make_shared<FairQueue::Job>();
  job->work = std::move(work);
  job->turn = turn;
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->stopping || !shared_->queue.push(job)) return nullptr;
  }
  shared_->wake.notify_one();
  return job;
}

void Offload::withdraw(const Job& job) {
  std::function<void()> dropped;
  std::lock_guard lock(shared_->mutex);
  if (!job->waiting) return;
  dropped = std::move(job->work);
  shared_->queue.remove(*job);
}

size_t Offload::waiting() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->queue.size();
}

size_t Offload::limit() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->queue.limit();
}

// Null: the end.
Offload::Job Offload::Shared::next(std::function<void()>& work) {
  std::unique_lock lock(mutex);
  wake.wait(lock, [this] { return stopping || queue.size() != 0; });
  if (stopping) return nullptr;
  Job job = queue.pop();
  work = std::exchange(job->work, nullptr);
  return job;
}

void Offload::Shared::run() {
  std::function<void()> work;
  while (Job job = next(work)) {
    const auto begun = Clock::now();
    work();
    work = nullptr;
    std::lock_guard lock(mutex);
    queue.took(job->turn, microseconds_since(begun));
  }
}

}  // namespace postigo
