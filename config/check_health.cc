// How backends are watched, connections that are ready, zones, and policies: what contradicts itself, and what would
// never take effect.
#include <fmt/format.h>

#include <algorithm>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

void check_watch(const Health& x, const Limits& limits, const std::string& path, Report& report) {
  bool secret = !x.password.empty() || asks_for_secret(report, below(path, "password"));
  bool account = !x.user.empty() || secret;
  if (x.level == Health::Level::login && (x.user.empty() || !secret)) {
    report.error(below(path, "level"), "\"login\" needs user and password: an account for probes");
  } else if (x.level != Health::Level::login && account) {
    report.warning(below(path, x.user.empty() ? "password" : "user"), "without level = \"login\" it is never used");
  }
  if (x.retry_min_ms > x.retry_max_ms) {
    report.error(below(path, "retry_min"),
                 fmt::format("must not be longer than retry_max, {}", format_duration(x.retry_max_ms)));
  }
  if (report.has(below(path, "silence")) && x.silence_ms > limits.backend_login_timeout_ms) {
    report.warning(below(path, "silence"), fmt::format("is longer than limits.backend_login_timeout, {}: that ends a "
                                                       "login first",
                                                       format_duration(limits.backend_login_timeout_ms)));
  }
}

void check_ready(const Ready& x, bool with_header, const std::string& path, Report& report) {
  constexpr uint64_t kDovecotMs = 180'000;
  if (x.min > x.max) report.error(below(path, "min"), "must not be more than max");
  if (x.max != 0 && with_header) {
    report.warning(below(path, "max"),
                   "has no effect: with proxy_protocol a connection begins with the client's address");
  }
  if (x.idle_ms >= kDovecotMs) {
    report.warning(below(path, "idle"), "is as long as Dovecot's own time-out, 3m: logins would meet its end");
  }
}

void check_zones(const Live& live, Report& report) {
  std::vector<std::string> zones;
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const std::string& zone = live.backends[i].zone;
    if (zone.empty()) continue;
    zones.push_back(zone);
    if (live.zone.empty() && zones.size() == 1) {
      report.warning(at_index("backend", i) + ".zone", "without [server] zone it means nothing: where do we stand?");
    }
  }
  bool known = live.zone.empty() || std::find(zones.begin(), zones.end(), live.zone) != zones.end();
  if (known) return;
  report.warning("server.zone", "no backend is in zone " + in_quotes(live.zone) + did_you_mean(live.zone, zones));
}

void check_spill(const Live& live, const Pool& pool, const std::string& path, Report& report) {
  const std::string where = below(path, "zone_spill");
  if (!report.has(where)) return;
  if (pool.storage != Pool::Storage::shared) {
    report.warning(where, "has no effect without storage = \"shared\": in other pools nobody leaves his shard");
  } else if (live.zone.empty()) {
    report.warning(where, "has no effect without [server] zone: where do we stand?");
  }
}

void check_policy(const Pool& pool, const std::string& path, Report& report) {
  if (pool.storage == Pool::Storage::shared || pool.policy == Pool::Policy::rendezvous) return;
  report.error(below(path, "policy"), "needs storage = \"shared\": else a user's mail is in his shard only");
}

}  // namespace

void check_health(const Config& config, Report& report) {
  const Live& live = config.live;
  check_watch(live.health, live.limits, "health", report);
  check_ready(live.ready, false, "ready", report);
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const Backend& backend = live.backends[i];
    const bool with_header = backend.proxy_protocol != SendProxyHeader::off;
    if (backend.own_ready) check_ready(backend.ready, with_header, at_index("backend", i) + ".ready", report);
    if (backend.own_health) check_watch(backend.health, live.limits, at_index("backend", i) + ".health", report);
  }
  for (size_t i = 0; i < live.pools.size(); ++i) {
    check_policy(live.pools[i], at_index("pool", i), report);
    check_spill(live, live.pools[i], at_index("pool", i), report);
  }
  check_zones(live, report);
}

}  // namespace postigo::config
