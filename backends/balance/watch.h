// What the configuration of a backend's watch means for its Health. Pure.
#pragma once

#include <algorithm>
#include <optional>

#include "backends/balance/health.h"
#include "config/config.h"

namespace postigo {

// How deep a probe of this level looks; none: there are no probes.
inline std::optional<Depth> depth_of(config::Health::Level level) {
  switch (level) {
    case config::Health::Level::off:
      return std::nullopt;
    case config::Health::Level::connect:
      return Depth::connect;
    case config::Health::Level::tls:
      return Depth::tls;
    case config::Health::Level::automatic:
    case config::Health::Level::greeting:
      return Depth::greeting;
    case config::Health::Level::login:
      return Depth::login;
  }
  return std::nullopt;
}

// Whether probes are made while nothing is wrong.
inline bool is_periodic(config::Health::Level level) {
  return level != config::Health::Level::automatic && level != config::Health::Level::off;
}

// Something failed deeper than probes look, or in a real login: only another login can tell whether it is over. Then a
// login is the trial; else a probe is, and a login only where nobody else may serve.
inline bool logins_decide(config::Health::Level level, Depth failed) {
  return failed == Depth::login || depth_of(level) < failed;
}

inline HealthTerms terms_of(const config::Health& health, uint64_t login_timeout_ms) {
  HealthTerms terms;
  terms.rise = health.rise;
  terms.fall = health.fall;
  terms.retry_min_ms = health.retry_min_ms;
  terms.retry_max_ms = health.retry_max_ms;
  terms.slow_start_ms = health.slow_start_ms;
  terms.silence_ms = health.silence_ms;
  terms.silence_max_ms = login_timeout_ms;
  terms.memory_ms = std::max(terms.memory_ms, is_periodic(health.level) ? 3 * health.interval_ms : 0);
  return terms;
}

}  // namespace postigo
