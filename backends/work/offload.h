// Offload: bounded pools of threads for work that blocks (directory look-ups, password hashes), shared by all workers.
//
// Our own, because libuv's pool is one for the whole process and getaddrinfo lives in it: a slow database must not stop
// name resolution. Any thread may call. Destruction drops waiting jobs, and waits for running ones or leaves them: then
// they end when they end, touching nothing but what they own, and their thread with them.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "backends/work/fair_queue.h"

namespace postigo {

class Offload {
 public:
  using Job = FairQueue::JobPtr;

  enum class Running { awaited, left };  // at the end

  // `patience_ms`: how long anybody waits for a job; 0: for ever.
  Offload(unsigned threads, size_t queue_max, uint64_t patience_ms = 0, Running running = Running::awaited);
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  Job submit(std::function<void()> work, Turn turn = {});  // null: no room
  void withdraw(const Job& job);  // what has not begun never does; `work` is destroyed before this returns

  void set_patience(uint64_t patience_ms);

  size_t waiting() const;
  size_t limit() const;  // jobs that may wait, as of now

 private:
  struct Shared;  // with the threads

  std::shared_ptr<Shared> shared_;
  Running running_;
  std::vector<std::thread> threads_;
};

}  // namespace postigo
