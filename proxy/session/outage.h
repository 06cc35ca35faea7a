// Outage: a backend (or the directories) that fails logins is one event, and so is its return, with a count of what it
// failed meanwhile; not a line per session.
//
// Any thread. One object for all workers; served() costs a load while nothing is wrong. Who fails and serves by turns
// is told at most every kCalmMs. The clock is passed in: milliseconds of any monotonic clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "proxy/base/log.h"

namespace postigo {

class Outage {
 public:
  static constexpr uint64_t kCalmMs = 10'000;

  // `backend`: its name, the first field of `back`; empty: there is none to tell.
  Outage(const log::Event& away, const log::Event& back, std::string backend)
      : away_(away), back_(back), backend_(std::move(backend)) {}

  void failed(uint64_t now_ms, const log::Fields& how);  // the fields of `away`
  void served(uint64_t now_ms);
  bool failing() const { return failing_.load(std::memory_order_relaxed); }  // the newest login failed

 private:
  const log::Event& away_;
  const log::Event& back_;
  const std::string backend_;
  std::atomic<bool> failing_{false};  // the newest login failed
  std::mutex mutex_;                  // of what follows
  bool told_ = false;                 // away_ is in the log, back_ not yet
  uint64_t failures_ = 0;             // that no back_ has told
  uint64_t since_ms_ = 0;             // the first of them
  uint64_t calm_after_ms_ = 0;
};

}  // namespace postigo
