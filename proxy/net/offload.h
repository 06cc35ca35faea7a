// Offload: bounded pools of threads for work that blocks (directory look-ups, password hashes), shared by all workers.
//
// Our own, because libuv's pool is one for the whole process and getaddrinfo lives in it: a slow database must not stop
// name resolution. Any thread may submit. Destruction waits for running jobs and drops waiting ones.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace postigo {

class Offload {
 public:
  Offload(unsigned threads, size_t queue_max);
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  bool submit(std::function<void()> job);  // false: the queue is full
  size_t waiting() const;
  size_t queue_max() const { return queue_max_; }

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  size_t queue_max_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace postigo
