// Admittance: when a login may go to a backend: at once where there is room, else when its turn comes in the backend's
// line, or not at all. Room is what limits.backend_logins_* and the [[backend]]'s and [[pool]]'s own limits leave.
//
// Owned by an Upstream, which asks again and again while it is told to wait. Confined to the worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "backends/balance/waiting_line.h"
#include "proxy/base/stats.h"
#include "proxy/session/places.h"
#include "proxy/snapshot.h"

namespace postigo {

class Admittance {
 public:
  enum class Answer : uint8_t {
    go,    // and seat() is its place
    wait,  // ask again after step_ms()
    no,    // error() says why
  };
  // A backend, and what is known of it. All of it lives through the call.
  struct Question {
    Places& places;
    BackendState& state;
    const config::Backend& terms;
    const PoolLimit* pool;  // null: none
    BackendStats& numbers;
    uint64_t now_ms;
    const std::function<bool()>& elsewhere;  // whether another candidate has room: then nobody waits for this one
  };

  void begin() { leave(); }  // at another backend
  Answer ask(const Question& question);
  Places::Seat seat() { return std::move(seat_); }
  bool waits() const { return static_cast<bool>(line_); }
  uint64_t step_ms() const { return kStepMs; }
  BackendError error() const { return error_; }
  std::string_view why() const;
  void leave();

 private:
  static constexpr uint64_t kStepMs = 50;

  Places::Room room(const Question& question);
  static bool overfills_pool(const Question& question, uint64_t more);
  Answer line_up(const Question& question);

  WaitingLine::Place line_;
  Places::Seat seat_;
  uint64_t until_ms_ = 0;  // 0: it has not been asked yet
  BackendError error_ = BackendError::full;
};

}  // namespace postigo
