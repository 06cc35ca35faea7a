// From the configuration to what Penalties goes by. REQUIRES of it: that check_penalty() found no error.
#include "backends/ledger/penalty_rules.h"

#include <algorithm>

namespace postigo {

PenaltyRules penalty_rules(const config::Penalty& x) {
  PenaltyRules rules;
  rules.enabled = x.enabled;
  rules.address = {.free = static_cast<double>(x.free),
                   .parallel = static_cast<double>(x.parallel),
                   .first_ms = x.delay_ms,
                   .max_ms = x.delay_max_ms,
                   .forget_ms = x.forget_ms};
  rules.wide = rules.address;
  rules.wide.share = x.wide_share;
  rules.user = rules.address;
  rules.user.free = x.user_free;
  rules.user.max_ms = std::min(x.user_delay_max_ms, x.delay_max_ms);
  rules.user.refuses = false;
  rules.ipv4_bits = x.ipv4;
  rules.ipv6_bits = x.ipv6;
  rules.ipv4_wide_bits = x.ipv4_wide;
  rules.ipv6_wide_bits = x.ipv6_wide;
  rules.known_ms = x.known_ms;
  rules.exempt = config::networks_of(x.exempt);
  return rules;
}

}  // namespace postigo
