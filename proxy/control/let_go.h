// Sessions of all workers that fit a filter go: at once, or spread over a time as a drain spreads them.
//
// Control thread; `then` is called there, if all workers still run.
#pragma once

#include <cstdint>
#include <functional>

#include "proxy/base/phase.h"
#include "proxy/session/listing.h"

namespace postigo {

class ControlThread;

struct LetGo {
  SessionFilter filter;
  CloseReason why = CloseReason::kicked;
  uint64_t over_ms = 0;     // 0: at once, whoever is in the middle of a response
  bool also_logins = true;  // else who is not logged in is left alone
};
// How many were ended, and how many have a moment of their own now.
struct LetGone {
  uint64_t ended = 0, leaving = 0;
};

// With a time, relays go evenly over it, each where that cuts no response; others go at once.
void let_go(ControlThread& control, LetGo order, std::function<void(LetGone)> then);

// Those who were to go for that reason and are still there stay.
void let_stay(ControlThread& control, SessionFilter filter, CloseReason why);

}  // namespace postigo
