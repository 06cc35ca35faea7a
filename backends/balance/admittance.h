// Admittance: when a login may go to a backend: at once where there is room, else when its turn comes in the backend's
// line, or not at all. Room is what limits.backend_logins_* and the [[backend]]'s and [[pool]]'s own limits leave.
//
// Pure: time is passed in, and so are the terms, so that who waits through a reload waits under the new ones. Owned by
// one login, which asks again and again while it is told to wait.
#pragma once

#include <cstdint>
#include <functional>

#include "backends/balance/places.h"
#include "backends/balance/waiting_line.h"

namespace postigo {

class Admittance {
 public:
  enum class Answer : uint8_t {
    go,    // and seat() is its place
    wait,  // ask again after kStepMs
    no,    // why() says why
  };
  enum class Why : uint8_t {
    logins,    // too many are under way there
    sessions,  // sessions_max
    rate,      // logins_per_s
    queue,     // as many wait for room as may
    pool,      // the pool's sessions_max
  };
  static constexpr uint64_t kStepMs = 50;

  // A backend, and what is known of it. All of it lives through the call.
  struct Question {
    const Places& places;
    Occupancy& at;
    const config::Backend& terms;
    const PoolLimit* pool;  // null: none
    uint64_t now_ms;
    const std::function<bool()>& elsewhere;  // whether another candidate has room: then nobody waits for this one
  };

  void begin() { leave(); }  // at another backend
  Answer ask(const Question& question);
  Places::Seat seat() { return std::move(seat_); }
  bool waits() const { return static_cast<bool>(line_); }  // in the backend's line
  Why why() const { return why_; }
  void leave();

 private:
  Places::Room room(const Question& question);
  static bool overfills_pool(const Question& question, uint64_t more);
  Answer line_up(const Question& question);

  WaitingLine::Place line_;
  Places::Seat seat_;
  uint64_t since_ms_ = 0;  // when it was told to wait
  bool waits_ = false;
  Why why_ = Why::logins;
};

}  // namespace postigo
