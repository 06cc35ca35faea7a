// SharedHealth: the Health of one backend as all threads have it: workers report what logins met, the control thread
// what probes met, and everybody asks whether to go there.
//
// Any thread. While nothing is wrong each call is one load; in trouble it is a short lock. Nobody is called back: who
// reports gets the change, if his report made one, and tells it.
#pragma once

#include <atomic>
#include <mutex>

#include "backends/balance/health.h"

namespace postigo {

class SharedHealth {
 public:
  using Change = std::optional<Health::Change>;
  // May a login go there?
  struct Admission {
    bool admitted = true;
    Health::Trial trial = 0;  // to be given back with good(), bad() or dropped()
  };
  // All that is told of it, at one moment.
  struct View {
    HealthState state = HealthState::up;
    std::string why;
    uint64_t since_ms = 0;
    Depth depth = Depth::connect;
    bool trial_due = false;
    unsigned share = 100;
  };

  SharedHealth(uint64_t seed, uint64_t now_ms) : health_(seed, now_ms) {}

  void set_terms(const HealthTerms& terms);

  Change good(uint64_t now_ms, Depth reached, Health::Trial trial = 0);
  Change bad(uint64_t now_ms, Depth failed, std::string_view why, uint64_t user = 0, Health::Trial trial = 0);
  void dropped(Health::Trial trial);
  void greeted(uint64_t took_ms);
  Change tick(uint64_t now_ms);

  bool calm() const { return calm_.load(std::memory_order_relaxed); }  // it serves, and nothing failed lately
  bool down() const { return down_.load(std::memory_order_relaxed); }  // nobody waits for it but a trial
  Admission admit(uint64_t now_ms, uint64_t lease_ms);
  View view(uint64_t now_ms) const;
  uint64_t patience_ms() const;

  std::optional<Health::Memory> memory(uint64_t now_ms) const;
  Health::Change remember(const Health::Memory& memory, uint64_t now_ms);

  // Of all times; for metrics.
  uint64_t falls() const { return falls_.load(std::memory_order_relaxed); }
  uint64_t trials() const { return trials_.load(std::memory_order_relaxed); }

 private:
  void publish();  // REQUIRES: locked
  Change note(Change change);

  mutable std::mutex mutex_;
  Health health_;
  std::atomic<bool> calm_{true}, down_{false};
  std::atomic<uint64_t> slow_ms_{HealthTerms{}.silence_ms / 2};  // greetings up to this say nothing new
  std::atomic<uint64_t> patience_ms_{HealthTerms{}.silence_ms};
  std::atomic<uint64_t> falls_{0}, trials_{0};
};

}  // namespace postigo
