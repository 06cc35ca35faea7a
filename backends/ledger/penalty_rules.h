// PenaltyRules: what the configuration says about those who guess passwords, as the ledger goes by it.
//
// Immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/ledger/penalty_record.h"
#include "config/config.h"
#include "config/network.h"

namespace postigo {

struct PenaltyRules {
  bool enabled = true;
  PenaltyScale address, wide, user;
  unsigned ipv4_bits = 32, ipv6_bits = 64;           // what is one address
  unsigned ipv4_wide_bits = 0, ipv6_wide_bits = 48;  // 0: none
  uint64_t known_ms = 0;                             // who logged in well from an address is known there so long
  std::vector<config::Network> exempt;
};

PenaltyRules penalty_rules(const config::Penalty& settings);

}  // namespace postigo
