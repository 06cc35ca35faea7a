// The steps of the end, each by a timer that the next one does not wait for. Not here: signals and readiness
// (control.cc), what becomes of one session (session/relay.cc).
#include "proxy/control/drain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "proxy/base/events.h"
#include "proxy/control/notify.h"

namespace postigo {
namespace {

constexpr uint64_t kLastWordsMs = 500;      // for those who are due last, to finish their response
constexpr uint64_t kLastResortMs = 10'000;  // for workers whose sessions were all told
constexpr uint64_t kNowMs = 2'000;          // for workers whose sessions were cut off

// Something on a worker's thread does not come back.
[[noreturn]] void give_up(void*) {
  log::write(events::stop_failed);
  std::_Exit(1);
}

}  // namespace

Drain::Drain(Loop& loop, const Workers& workers, Calls calls)
    : loop_(loop),
      workers_(workers),
      calls_(std::move(calls)),
      delay_([](void* self) { static_cast<Drain*>(self)->close_doors(); }, this),
      deadline_([](void* self) { static_cast<Drain*>(self)->time_is_over(); }, this),
      last_resort_(give_up, this) {}

// Nobody stays longer than the time that he has anyway.
uint64_t Drain::start(uint64_t over_ms) {
  if (ending_) return 0;
  draining_ = true;
  calls_.told(true);
  if (handed_over_) over_ms = std::min(over_ms, left_ms());
  announce(over_ms);
  for (auto& worker : workers_) worker->drain(over_ms);
  return relays();
}

uint64_t Drain::undo() {
  if (ending_ || !std::exchange(draining_, false)) return 0;
  for (auto& worker : workers_) handed_over_ ? worker->drain(left_ms()) : worker->undrain();
  log::write(events::drain_undone, {{"sessions", relays()}});
  calls_.told(false);
  return relays();
}

uint64_t Drain::left_ms() const {
  const uint64_t now_ms = loop_.now_ms();
  return handed_over_until_ms_ > now_ms ? handed_over_until_ms_ - now_ms : 0;
}

// Good-byes to those who ask for more than the time that they have are said by time_is_over().
void Drain::hand_over(uint64_t over_ms) {
  handed_over_ = true;
  handed_over_until_ms_ = loop_.now_ms() + over_ms;
  calls_.shut();
  announce(over_ms);
  for (auto& worker : workers_) worker->hand_over(over_ms);
  loop_.timers().arm(deadline_, over_ms + kLastWordsMs);
}

// systemd waits as long as we say, whatever TimeoutStopSec= is.
void Drain::end(const config::Leaving& times) {
  ending_ = true;
  over_ms_ = times.drain_time_ms;
  calls_.told(true);
  uint64_t most_ms = times.shutdown_delay_ms + over_ms_ + kLastWordsMs + kLastResortMs;
  notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", most_ms * 1000));
  if (times.shutdown_delay_ms == 0) return close_doors();
  loop_.timers().arm(delay_, times.shutdown_delay_ms);
}

void Drain::close_doors() {
  calls_.shut();
  if (over_ms_ == 0) return time_is_over();
  announce(over_ms_);
  for (auto& worker : workers_) worker->end(over_ms_);
  loop_.timers().arm(deadline_, over_ms_ + kLastWordsMs);
}

// Those who are left are in the middle of a response, or do not take their last octets.
void Drain::time_is_over() {
  for (auto& worker : workers_) worker->stop();
  loop_.timers().arm(last_resort_, kLastResortMs);
}

void Drain::end_now() {
  if (std::exchange(cutting_, true)) return;
  delay_.cancel();
  deadline_.cancel();
  calls_.shut();
  for (auto& worker : workers_) worker->stop_now();
  loop_.timers().arm(last_resort_, kNowMs);
}

void Drain::close() {
  delay_.cancel();
  deadline_.cancel();
  last_resort_.cancel();
}

uint64_t Drain::relays() const {
  return sum(
      stats_of(workers_),
      [](const WorkerStats& stats) -> auto& { return stats.sessions[static_cast<size_t>(Phase::relay)]; });
}

void Drain::announce(uint64_t over_ms) const {
  log::write(events::draining, {{"sessions", relays()}, {"seconds", static_cast<double>(over_ms) / 1000}});
}

}  // namespace postigo
