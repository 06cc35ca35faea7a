// Offload: bounded pools of threads for work that blocks (directory look-ups, password hashes), shared by all workers.
//
// Our own, because libuv's pool is one for the whole process and getaddrinfo lives in it: a slow database must not stop
// name resolution. Any thread may call. Destruction waits for running jobs and drops waiting ones.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backends/env.h"
#include "proxy/net/fair_queue.h"

namespace postigo {

class Offload {
 public:
  using Job = FairQueue::JobPtr;

  // `patience_ms`: how long anybody waits for a job; 0: for ever.
  Offload(unsigned threads, size_t queue_max, uint64_t patience_ms = 0);
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  Job submit(std::function<void()> work, Turn turn = {});  // null: no room
  void withdraw(const Job& job);  // what has not begun never does; `work` is destroyed before this returns

  void set_patience(uint64_t patience_ms);

  size_t waiting() const;
  size_t limit() const;  // jobs that may wait, as of now

 private:
  void run();
  Job next(std::function<void()>& work);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  FairQueue queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace postigo
