// Modes `idle` and `storm`: many sessions that wait. Not here: who says when (run.cc).
#pragma once

#include <atomic>

#include "bench/load/worker.h"

namespace postigo::bench {

class Held final : public Worker {
 public:
  Held(const Options& options, SSL_CTX* tls, uint64_t number)
      : Worker(options, tls, number), limit_(std::max<uint64_t>(share(options.clients), 1)) {}

  void prepare() override;  // all log in and wait
  void measure() override;  // DONE everywhere
  void storm();             // all connections are closed at once and come back at once
  // Looks after the sessions until told otherwise.
  void hold(const std::atomic<bool>& go_on);

  uint64_t held() const { return held_; }
  uint64_t answered() const { return answered_; }

 private:
  void finished(Client& client, Client::Did what) override;
  void gone(Client& client) override;
  void fill();

  uint64_t limit_;
  size_t next_ = 0;
  uint64_t held_ = 0, answered_ = 0;
  bool storming_ = false;
};

}  // namespace postigo::bench
