// The list of checks and what several of them share.
#include "config/check.h"

#include <unordered_set>

#include "config/check_shared.h"
#include "config/srv.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

void check(const Config& config, Report& report) {
  check_startup(config, report);
  check_log(config.live, report);
  check_limits(config.live.limits, report);
  check_penalty(config.live, report);
  check_session_limits(config.live, report);
  check_policy(config.live, report);
  check_resolver(config.live.resolver, report);
  check_tls(config, report);
  check_health(config, report);
  check_name_form(config.live.names, report);
  check_routes(config, report);
  check_auth(config, report);
  check_admin(config, report);
  check_lookup(config, report);
}

void check_names(const std::vector<Named>& names, Report& report) {
  std::unordered_set<std::string_view> seen;
  for (const Named& named : names) {
    std::string where = below(named.path, "name");
    if (named.name.empty()) {
      report.error(where, "must be set");
    } else if (named.name.size() > kNameMax) {
      report.error(where, "is longer than 128 octets");
    } else if (!seen.insert(named.name).second) {
      report.error(where, "the name " + in_quotes(named.name) + " is taken: give each its own");
    }
  }
}

void check_reference(const std::string& name, const std::vector<std::string>& known, const std::string& what,
                     const std::string& path, Report& report, const std::string& place) {
  for (const std::string& other : known) {
    if (other == name) return;
  }
  report.error(path, "there is no " + what + ' ' + in_quotes(name) + place + did_you_mean(name, known));
}

std::vector<std::string> backend_names(const Live& live) {
  std::vector<std::string> names;
  for (const Backend& backend : live.backends) names.push_back(backend.name);
  return names;
}

void check_domain(const std::string& domain, const std::string& path, Report& report, const std::string& hint) {
  if (domain.starts_with('@')) {
    report.error(path, "write it without \"@\"");
  } else if (!domain.empty() && !is_host_name(domain)) {
    report.error(path, in_quotes(domain) + " is not a domain" + hint);
  }
}

bool is_pattern(std::string_view text) {
  return !text.empty() && (text == "*" || text.rfind('*') == std::string_view::npos ||
                           (text.starts_with("*@") && text.size() > 2 && text.rfind('*') == 0));
}

bool asks_for_secret(const Report& report, const std::string& path) {
  return report.has(path) || report.has(path + "_file") || report.has(path + "_env");
}

void check_placement(const Live& live, const std::string& pool, const std::string& shard, const std::string& path,
                     Report& report) {
  std::vector<std::string> pools, shards;
  const std::string& effective = pool.empty() ? live.routing.default_pool : pool;
  for (const Pool& known : live.pools) {
    pools.push_back(known.name);
    if (known.name != effective) continue;
    for (const Shard& each : known.shards) shards.push_back(each.name);
  }
  size_t before = report.size();
  if (!pool.empty()) check_reference(pool, pools, "pool", below(path, "pool"), report);
  if (shard.empty() || report.size() != before) return;
  check_reference(shard, shards, "shard", below(path, "shard"), report, " in pool " + in_quotes(effective));
  if (report.size() == before && stands_for_several(live, effective, shard)) {
    report.error(below(path, "shard"), in_quotes(shard) +
                                           " is one shard for each target of SRV records: name a "
                                           "[[pool.shard]] that has it among its backends, or the pool");
  }
}

}  // namespace postigo::config
