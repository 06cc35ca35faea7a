// The lock around a Health, and what can be known without it. Not here: any decision (health.cc).
#include "backends/balance/shared_health.h"

namespace postigo {

void SharedHealth::publish() {
  calm_.store(health_.calm(), std::memory_order_relaxed);
  down_.store(health_.state() == HealthState::down, std::memory_order_relaxed);
  patience_ms_.store(health_.patience_ms(), std::memory_order_relaxed);
  slow_ms_.store(health_.terms().silence_ms / 2, std::memory_order_relaxed);
}

SharedHealth::Change SharedHealth::note(Change change) {
  if (change && change->now == HealthState::down) falls_.fetch_add(1, std::memory_order_relaxed);
  publish();
  return change;
}

void SharedHealth::set_terms(const HealthTerms& terms) {
  std::lock_guard lock(mutex_);
  health_.set_terms(terms);
  publish();
}

SharedHealth::Change SharedHealth::good(uint64_t now_ms, Depth reached, Health::Trial trial) {
  if (calm() && trial == 0) return std::nullopt;
  std::lock_guard lock(mutex_);
  return note(health_.good(now_ms, reached, trial));
}

SharedHealth::Change SharedHealth::bad(uint64_t now_ms, Depth failed, std::string_view why, uint64_t user,
                                       Health::Trial trial) {
  std::lock_guard lock(mutex_);
  return note(health_.bad(now_ms, failed, why, user, trial));
}

void SharedHealth::dropped(Health::Trial trial) {
  if (trial == 0) return;
  std::lock_guard lock(mutex_);
  health_.dropped(trial);
}

void SharedHealth::greeted(uint64_t took_ms) {
  if (calm() && took_ms <= slow_ms_.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(mutex_);
  health_.greeted(took_ms);
  publish();
}

SharedHealth::Change SharedHealth::tick(uint64_t now_ms) {
  if (calm()) return std::nullopt;
  std::lock_guard lock(mutex_);
  return note(health_.tick(now_ms));
}

SharedHealth::Admission SharedHealth::admit(uint64_t now_ms, uint64_t lease_ms) {
  if (calm()) return {};
  std::lock_guard lock(mutex_);
  if (health_.state() != HealthState::down) return {};
  auto trial = health_.try_out(now_ms, lease_ms);
  if (!trial) return {false, 0};
  trials_.fetch_add(1, std::memory_order_relaxed);
  return {true, *trial};
}

SharedHealth::View SharedHealth::view(uint64_t now_ms) const {
  std::lock_guard lock(mutex_);
  return {health_.state(),           health_.why(),        health_.since_ms(), health_.depth(),
          health_.trial_due(now_ms), health_.share(now_ms)};
}

uint64_t SharedHealth::patience_ms() const { return patience_ms_.load(std::memory_order_relaxed); }

std::optional<Health::Memory> SharedHealth::memory(uint64_t now_ms) const {
  if (calm()) return std::nullopt;
  std::lock_guard lock(mutex_);
  return health_.memory(now_ms);
}

Health::Change SharedHealth::remember(const Health::Memory& memory, uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  Health::Change change = health_.remember(memory, now_ms);
  publish();
  return change;
}

}  // namespace postigo
