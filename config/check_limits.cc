// Penalties and limits: do they contradict each other, or what they are for?
#include "config/check.h"
#include "config/check_shared.h"
#include "config/network.h"

namespace postigo::config {

void check_networks(const std::vector<std::string>& networks, const std::string& path, Report& report) {
  for (size_t i = 0; i < networks.size(); ++i) {
    auto network = parse_network(networks[i]);
    if (!network) report.error(at_index(path, i), network.error().message);
  }
}

void check_penalty(const Live& live, Report& report) {
  const Penalty& x = live.penalty;
  if (x.delay_ms > x.delay_max_ms) report.error("penalty.delay", "must not be longer than delay_max");
  bool too_long = x.delay_max_ms + live.limits.auth_failure_delay_ms >= live.limits.login_timeout_ms;
  if (too_long && report.has("penalty.delay_max")) {
    report.warning("penalty.delay_max", "is never reached: limits.login_timeout is shorter");
  }
  if (x.ipv4_wide >= x.ipv4) report.error("penalty.ipv4_wide", "must be fewer bits than ipv4: it is the wider network");
  if (x.ipv6_wide >= x.ipv6) report.error("penalty.ipv6_wide", "must be fewer bits than ipv6: it is the wider network");
  check_networks(x.exempt, "penalty.exempt", report);
}

}  // namespace postigo::config
