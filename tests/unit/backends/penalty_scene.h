// What both tests of penalties play with: rules with a wider network and with users, and addresses from their text.
#pragma once

#include <string>

#include "backends/ledger/penalty.h"

namespace postigo {

inline config::AnyAddress address(const std::string& text) { return config::parse_network(text)->address; }

inline PenaltyRules rules() {
  PenaltyRules all;
  all.wide.share = 8;
  all.user = {.free = 20, .first_ms = 500, .max_ms = 4'000, .refuses = false};
  all.known_ms = 30ULL * 86'400'000;
  return all;
}

}  // namespace postigo
