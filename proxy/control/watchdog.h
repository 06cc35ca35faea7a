// Watchdog: systemd hears that we live for as long as every worker answers (sd_watchdog_enabled(3)).
//
// Confined to the control thread's loop; that loop and every worker's have to turn for a word to go out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/worker.h"

namespace postigo {

class Watchdog {
 public:
  using Workers = std::vector<std::unique_ptr<Worker>>;

  Watchdog(Loop& loop, const Workers& workers);  // both outlive it
  void start();                                  // nothing, if the environment does not ask for it
  void close() { beat_.cancel(); }

 private:
  void beat();

  Loop& loop_;
  const Workers& workers_;
  Timer beat_;
  uint64_t every_ms_ = 0;
  std::weak_ptr<int> asked_;  // held by the letters that nobody has answered yet
};

}  // namespace postigo
