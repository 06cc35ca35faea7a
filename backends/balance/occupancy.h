// Occupancy: what is at one backend now, over all workers of a process, and who waits for room there.
//
// Any thread; atomics, and a line with a lock of its own. Lives as long as whoever is counted. For a fleet each door
// has its own, for its part of what the backend allows.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/balance/login_rate.h"
#include "backends/balance/waiting_line.h"

namespace postigo {

struct Occupancy {
  std::atomic<int64_t> logins{0};    // under way (places.h)
  std::atomic<int64_t> ramp{0};      // logins that succeeded since the start, as far as they count (places.h)
  std::atomic<int64_t> sessions{0};  // relayed
  // Connections that wait for a login, or are being made so, by the protocol's place.
  static constexpr size_t kProtocolsMax = 4;
  std::array<std::atomic<int64_t>, kProtocolsMax> ready{};
  LoginRate rate;     // of the logins that began
  WaitingLine queue;  // logins that there is no room for (admittance.h)
};

// Sessions, with the logins that are under way. Who comes out of a login is counted as a session first, so it is never
// too few.
inline int64_t busy_at(const Occupancy& backend) {
  const int64_t logins = backend.logins.load(std::memory_order_acquire);
  return logins + backend.sessions.load(std::memory_order_relaxed);
}
// Of all protocols.
inline int64_t ready_at(const Occupancy& backend) {
  int64_t count = 0;
  for (const auto& each : backend.ready) count += each.load(std::memory_order_relaxed);
  return count;
}

// A [[pool]] with sessions_max: all that is at its backends counts, logins under way too. Asked by each login that goes
// there: one load for each of two counts of each backend.
struct PoolLimit {
  uint64_t sessions_max = 0;
  std::vector<const Occupancy*> members;
  uint64_t sessions() const;
};

}  // namespace postigo
