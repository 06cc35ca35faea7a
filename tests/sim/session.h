// What the rooms share of one user's doings: a login under way, and a session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/balance/admittance.h"
#include "backends/ledger/candidates.h"
#include "backends/ledger/holds.h"
#include "backends/ledger/seats.h"
#include "tests/sim/world.h"

namespace postigo::sim {

// Whom limits count.
struct Guest {
  std::string user;
  config::AnyAddress address{};
  std::string_view pool;  // empty: no limit of users has been asked yet
  unsigned counted = 0;   // where, as the model of limits has it
};

// The address of this number: some of IPv6, forty in each network.
inline config::AnyAddress address_of(uint64_t number) {
  const auto network = static_cast<uint16_t>(number / 40), host = static_cast<uint16_t>(1 + number % 40);
  const auto high = static_cast<uint8_t>(network >> 8), low = static_cast<uint8_t>(network & 0xff);
  if (network % 4 == 0) return {0x20, 0x01, 0x0d, 0xb8, high, low, 0, static_cast<uint8_t>(host)};
  return {
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, static_cast<uint8_t>(16 + high), low, static_cast<uint8_t>(host)};
}

struct Session {
  uint64_t number = 0;
  Guest who;
  Server* at = nullptr;
  std::unique_ptr<Bonds::Bond> bond;
  Seats::Seat door_seat, user_seat;
  bool leaving = false;  // its backend is gone
};

struct Login {
  size_t user = 0;
  Guest who;
  uint64_t began_ms = 0;
  Seats::Seat door_seat, user_seat;
  Holds::Seat waiting;
  uint64_t waits_until_ms = 0;
  bool waits_for_answer = false;  // of the ledger; else for the end of a hold
  uint64_t asks_since_ms = 0;     // the ledger, when it has a way already; 0: it does not
  bool stranded = false;
  std::optional<Candidates> way;
  size_t worker = 0;
  const Server* asks = nullptr;  // where it waits for room, or has its place
  Admittance admittance;
  Places::Seat place;
  std::shared_ptr<Belief> belief;  // that its trial is of
  Health::Trial trial = 0;
  std::vector<const Server*> asked;  // that could not serve
  std::vector<std::string> home;     // where an operator's order sent him, when his place was looked for
  bool trying = false;
};

}  // namespace postigo::sim
