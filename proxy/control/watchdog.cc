// A question to each worker, and the word to systemd once all were answered. Not here: how systemd is told (notify.cc).
#include "proxy/control/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "proxy/control/notify.h"

namespace postigo {
namespace {

// Several times in the interval that we were given: a worker may be late for most of it.
constexpr uint64_t kBeats = 4;

// 0: nobody wants to know.
uint64_t interval_ms() {
  const char* interval_us = std::getenv("WATCHDOG_USEC");
  const char* whose = std::getenv("WATCHDOG_PID");
  if (interval_us == nullptr || (whose != nullptr && whose != std::to_string(::getpid()))) return 0;
  return std::strtoull(interval_us, nullptr, 10) / 1000;
}

}  // namespace

Watchdog::Watchdog(Loop& loop, const Workers& workers)
    : loop_(loop), workers_(workers), beat_([](void* self) { static_cast<Watchdog*>(self)->beat(); }, this) {}

void Watchdog::start() {
  uint64_t interval = interval_ms();
  if (interval == 0) return;
  every_ms_ = std::max<uint64_t>(1, interval / kBeats);
  beat();
}

// A worker that has ended drops its letters, and does not count.
void Watchdog::beat() {
  loop_.timers().arm(beat_, every_ms_);
  if (!asked_.expired()) return;
  notify("WATCHDOG=1");
  auto held = std::make_shared<int>();
  asked_ = held;
  for (auto& worker : workers_) worker->ask([held] { (void)held; });
}

}  // namespace postigo
