// Drain: how sessions of all workers are let go: those of now while the process goes on, or all of them at its end.
//
// Confined to the control thread's loop. What a worker does of it: worker.h; when each session is due: drain_plan.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "config/config.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/worker.h"

namespace postigo {

class Drain {
 public:
  struct Calls {
    std::function<void(bool draining)> told;  // a drain begins (true: not ready any more), or is taken back
    std::function<void()> shut;               // nobody listens from now on; again is nothing new
  };
  // All outlive it.
  Drain(Loop& loop, const Workers& workers, Calls calls);

  // Sessions that are relayed now go, spread over that time; listeners stay open and who comes is served, so that
  // undo() is seamless. Again: the rest goes by the new time. Nothing once ending(). How many were asked to go.
  uint64_t start(uint64_t over_ms);
  // Who has not gone yet stays, or has what is left of the time that hand_over() gave; nothing if nobody was asked to
  // go. How many are there.
  uint64_t undo();

  // Somebody else serves those who come from now on: logins are ended as they were begun, and whoever is logged in then
  // is let go, spread over that time. Workers end by themselves meanwhile. end() may follow.
  void hand_over(uint64_t over_ms);
  bool handed_over() const { return handed_over_; }

  // The orderly end: not ready, a while later no listeners and good-bye to those who are not logged in; the others have
  // their time; whoever is left then is cut off. Workers end by themselves meanwhile.
  void end(const config::Leaving& times);
  // Everybody is cut off, and if a worker does not end then, the process ends without it.
  void end_now();
  bool ending() const { return ending_; }

  void close();  // the workers have ended

 private:
  uint64_t relays() const;
  uint64_t left_ms() const;  // of what hand_over() gave
  void announce(uint64_t over_ms) const;
  void close_doors();
  void time_is_over();

  Loop& loop_;
  const Workers& workers_;
  Calls calls_;
  Timer delay_, deadline_, last_resort_;
  uint64_t over_ms_ = 0;
  uint64_t handed_over_until_ms_ = 0;
  bool draining_ = false, handed_over_ = false, ending_ = false, cutting_ = false;
};

}  // namespace postigo
