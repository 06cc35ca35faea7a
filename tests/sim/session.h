// What the files of Platform share: a login under way, and a session.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/sim/platform.h"

namespace postigo::sim {

struct Platform::Session {
  uint64_t number = 0;
  size_t user = 0;
  Server* at = nullptr;
  std::unique_ptr<Affinity::Bond> bond;
  Seats::Seat seat;
};

struct Platform::Login {
  size_t user = 0;
  std::string name;
  uint64_t began_ms = 0;
  std::optional<Candidates> way;
  std::vector<const config::Backend*> asked;  // that could not serve
  Seats::Seat seat;
};

}  // namespace postigo::sim
