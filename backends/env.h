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

#include "backends/http.h"
#include "backends/ticket.h"
#include "backends/work/turn.h"
#include "parser/base/result.h"

namespace postigo {

class Offload;

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
  // The same on threads that one directory has for itself: whoever is slow there stops nobody else.
  virtual Result<Ticket> offload(const std::shared_ptr<Offload>& threads, Turn turn, std::function<void()> work,
                                 std::function<void()> done) = 0;

  // Asks over HTTP. Destroying the ticket ends it.
  virtual Ticket fetch(HttpRequest request, std::function<void(HttpAnswer)> then) = 0;
};

}  // namespace postigo
