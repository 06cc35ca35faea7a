// Counting. Not here: what a login does without a place (upstream.cc: on to the next candidate).
#include "proxy/session/places.h"

#include <algorithm>

namespace postigo {
namespace {

constexpr int64_t kAlways = 8;  // also if hardly any session is left

}  // namespace

void Places::open(int64_t sessions_max, uint64_t configured, uint64_t start) {
  start_ = static_cast<int64_t>(start);
  sessions_max_ = sessions_max;
  configured_ = static_cast<int64_t>(configured);
}

int64_t Places::limit() const {
  if (int64_t configured = configured_.load(std::memory_order_relaxed)) return configured;
  return std::max(kAlways,
                  (sessions_max_.load(std::memory_order_relaxed) - relays_.load(std::memory_order_relaxed)) / 2);
}

Places::ReadySeat Places::take_ready(BackendState& backend, size_t protocol, uint64_t max) {
  ReadySeat seat{Seat::take(backend.ready[protocol], static_cast<int64_t>(max)), {}};
  if (seat.backend) seat.all = Seat::take(ready_, ready_max());
  return seat ? std::move(seat) : ReadySeat{};
}

Places::Seat Places::take(BackendState& backend) const {
  return Seat::take(backend.logins, std::min(limit(), first_places(backend)));
}

}  // namespace postigo
