// Env: all that backends/ asks of the world: time, deferral, blocking work, randomness.
//
// One Env per worker, used on that worker's thread only. proxy/net/env_uv.cc implements it over libuv and our own
// thread pools; tests/fakes/fake_env.h by hand. Nothing calls back from inside the call that started it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "parser/base/result.h"

namespace postigo {

// A pending call-back, owned by whoever waits. Destroying it cancels: the call-back never runs afterwards, and neither
// does offloaded work that has not begun (what has begun finishes there, and its result is dropped).
class Ticket {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    virtual void cancel() = 0;  // idempotent; also legal after completion and from inside the call-back
  };

  Ticket() = default;
  explicit Ticket(std::shared_ptr<Operation> operation) : operation_(std::move(operation)) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      cancel();
      operation_ = std::move(other.operation_);
    }
    return *this;
  }
  ~Ticket() { cancel(); }

  void cancel() {
    if (operation_) operation_->cancel();
    operation_.reset();
  }

 private:
  std::shared_ptr<Operation> operation_;
};

// Where a job waits for a thread (README.md, "Who waits for whom").
struct Turn {
  enum class Rank : uint8_t { first, usual, last };
  Rank rank = Rank::usual;
  uint64_t client = 0;  // in each rank, clients are served in turn, however many jobs one of them has
  bool costs = true;    // false: waiting is all that it is about, its work is nothing
};

class Env {
 public:
  // Separate bounded pools, so that slow hashing does not stop look-ups nor the other way round.
  enum class Pool { lookup, password };

  virtual ~Env() = default;

  virtual uint64_t now_ms() const = 0;  // monotonic, as of this turn of the loop
  virtual uint64_t unix_time_s() const = 0;
  virtual void random(std::span<unsigned char> to) = 0;

  virtual Ticket defer(std::function<void()> then) = 0;  // on the next turn
  virtual Ticket after(uint64_t delay_ms, std::function<void()> then) = 0;
  // Runs `work` on a thread of the pool, then `done` on this Env's thread. `work` must own all that it touches. Fails
  // at once when too much waits already, by count or by the time that it would take.
  virtual Result<Ticket> offload(Pool pool, Turn turn, std::function<void()> work, std::function<void()> done) = 0;
};

}  // namespace postigo
