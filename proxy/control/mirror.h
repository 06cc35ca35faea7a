// Mirror: what predecessors know of users and of seats counts here, too: whoever has a session there logs in where that
// is, and no limit is doubled by an upgrade.
//
// Control thread. Their tables have the same key, so a stripe of theirs is a stripe of ours: one at a time is asked for
// and taken over whole. All of them are known a few seconds after the start, and again every ten seconds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/control/predecessors.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

class Mirror {
 public:
  explicit Mirror(ControlThread& control);  // which outlives it

  void start();  // once it is clear who they are
  void close();

 private:
  void next();
  void take(const Predecessors::Answers& answers, bool may_be_stale);

  ControlThread& control_;
  Timer timer_;
  size_t stripe_ = 0;
  size_t left_ = 0;  // stripes until nothing is known of predecessors that have gone
  uint64_t rounds_ = 0, moves_ = 0;
  bool closed_ = false;
};

// What a successor asks of this process for that.
void held_here(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
