// Counting. Not here: what a login does without a place (proxy/session/upstream: on to the next candidate).
#include "backends/balance/places.h"

#include <algorithm>

namespace postigo {
namespace {

constexpr int64_t kAlways = 8;  // also if hardly any session is left

// `sessions`: of relays and logins, the one that asks included.
bool is_within(const config::Backend& terms, size_t ahead, int64_t sessions) {
  return terms.sessions_max == 0 || static_cast<uint64_t>(sessions) + ahead <= terms.sessions_max;
}

}  // namespace

// Added up for each login that goes there, twice: two loads for each backend, a microsecond or two for a thousand. A
// count of its own would have to stay right while reloads move backends, with their sessions, from one pool to another.
uint64_t PoolLimit::sessions() const {
  int64_t count = 0;
  for (const Occupancy* each : members) count += busy_at(*each);
  return static_cast<uint64_t>(std::max<int64_t>(count, 0));
}

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

Places::ReadySeat Places::take_ready(Occupancy& backend, size_t protocol, uint64_t max) {
  ReadySeat seat{Seat::take(backend.ready[protocol], static_cast<int64_t>(max)), {}};
  if (seat.backend) seat.all = Seat::take(ready_, ready_max());
  return seat ? std::move(seat) : ReadySeat{};
}

Places::Seat Places::take(Occupancy& backend) const { return Seat::take(backend.logins, most_logins(backend)); }

// Looked at before a place is taken, too, so that those who are refused do not stand in the way of who is not. Of two
// who come together the one who was first in the count of logins is let in.
Places::Room Places::ask(Occupancy& backend, const config::Backend& terms, size_t ahead, uint64_t now_ms) const {
  if (!is_within(terms, ahead, busy_at(backend) + 1)) return {{}, Lack::sessions};
  int64_t before = 0;
  Seat seat = Seat::take(backend.logins, most_logins(backend), before);
  if (!seat) return {{}, Lack::logins};
  if (!is_within(terms, ahead, before + 1 + backend.sessions.load(std::memory_order_relaxed))) {
    return {{}, Lack::sessions};
  }
  bool in_time = terms.logins_per_s == 0 || backend.rate.take(terms.logins_per_s, ahead, now_ms);
  if (!in_time) return {{}, Lack::rate};
  return {std::move(seat), Lack::nothing};
}

bool Places::has_room(Occupancy& backend, const config::Backend& terms, uint64_t now_ms) const {
  const size_t ahead = backend.queue.size();
  bool in_time = terms.logins_per_s == 0 || backend.rate.has(terms.logins_per_s, ahead, now_ms);
  return in_time && has_place(backend) && is_within(terms, ahead, busy_at(backend) + 1);
}

}  // namespace postigo
