// Backends, pools and rules: every name that is used exists, every user ends up somewhere, and nowhere is ourselves.
#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/check_targets.h"
#include "config/protocol_keys.h"
#include "config/srv.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

// T63: a proxy that is its own backend fills all descriptors with one login.
void check_loop(const Live& live, const Backend& x, uint16_t port, const std::string& path, Report& report) {
  const std::string own = port != 0 ? own_listener(live, x.host, port) : "";
  if (own.empty()) return;
  report.error(path, fmt::format("{} is our own listener {}: the proxy would connect to itself",
                                 in_quotes(format_endpoint({x.host, port})), in_quotes(own)));
}

bool is_v6(const std::string& ip) { return ip.find(':') != std::string::npos; }

// T67: that the machine has them is for whoever makes the sockets to try.
void check_sources(const Backend& x, const std::string& path, Report& report) {
  std::set<std::string> seen;
  for (size_t i = 0; i < x.source.size(); ++i) {
    std::string where = at_index(path, i);
    auto ip = canonical_ip(x.source[i]);
    if (!ip) {
      report.error(where, in_quotes(x.source[i]) + " is no address: write one of this machine, without a port");
    } else if (is_wildcard(*ip)) {
      report.error(where, in_quotes(x.source[i]) + " is every address: leave source out to let the kernel choose");
    } else if (!seen.insert(*ip).second) {
      report.error(where, in_quotes(x.source[i]) + " stands here twice");
    }
  }
  auto host = canonical_ip(x.host);
  bool mismatched = host && !seen.empty() && std::none_of(seen.begin(), seen.end(), [&](const std::string& ip) {
                      return is_v6(ip) == is_v6(*host);
                    });
  if (mismatched) {
    report.error(path, "no address in source can reach " + in_quotes(x.host) + ": it is of the other family");
  }
}

void check_srv(const Live& live, const Backend& x, const std::string& path, Report& report) {
  for (size_t i = 0; i < x.srv.size(); ++i) {
    std::string where = at_index(path + ".srv", i);
    const std::string& name = x.srv[i];
    if (protocol_of_srv(name).empty() || !is_host_name(name)) {
      report.error(where, in_quotes(name) +
                              " is no name of such records: write _imap._tcp.example.com, or _imaps, "
                              "_pop3 or _pop3s instead of _imap");
    } else if (srv_means_tls(name) && x.tls.mode != Tls::implicit) {
      report.error(where, in_quotes(name) + " promises TLS from the first octet on: write tls = \"implicit\"");
    } else if (std::any_of(x.srv.begin(), x.srv.begin() + static_cast<std::ptrdiff_t>(i),
                           [&](const auto& other) { return protocol_of_srv(other) == protocol_of_srv(name); })) {
      report.error(where, "there are records of this protocol already: give these a [[backend]] of their own");
    }
  }
  for (const Backend& other : live.backends) {
    if (other.name.starts_with(x.name + '/')) {
      report.error(path + ".name", "targets are called " + x.name + "/HOST, which is what " + in_quotes(other.name) +
                                       " could be: give one of them another name");
    }
  }
  std::vector<std::string> keys = {"host"};
  for (const Protocol& each : protocols()) keys.push_back(port_key(each));
  for (const std::string& key : keys) {
    if (report.has(path + '.' + key)) {
      report.error(path + '.' + key, "has no place beside srv, whose records name hosts and ports");
    }
  }
}

void check_backend(const Live& live, const Backend& x, const std::string& path, Report& report) {
  if (!x.srv.empty()) {
    check_srv(live, x, path, report);
  } else if (x.host.empty()) {
    if (!report.complains(path + ".srv")) report.error(path, "host must be set");
  } else if (!is_host(x.host)) {
    bool with_port = parse_endpoint(x.host).has_value();
    report.error(path + ".host", in_quotes(x.host) + (with_port ? ": write the port as imap_port or pop3_port"
                                                                : " is not a host name or an address"));
  } else if (is_wildcard(x.host)) {
    report.error(path + ".host", in_quotes(x.host) + " is no address to connect to");
  } else {
    for (const Protocol& each : protocols()) {
      check_loop(live, x, x.port(each.name), path + '.' + port_key(each), report);
    }
  }
  check_sources(x, path + ".source", report);
}

struct PoolCheck {
  const Live& live;
  const std::vector<std::string> backends;
  std::unordered_map<std::string_view, const Backend*> by_name;
  std::set<std::string> used;

  explicit PoolCheck(const Live& live_backends) : live(live_backends), backends(backend_names(live_backends)) {
    for (const Backend& backend : live.backends) by_name.emplace(backend.name, &backend);
  }
};

// `paths` are where the names of the shard's backends stand.
void check_members(PoolCheck& all, const Shard& shard, const std::vector<std::string>& paths, Report& report) {
  std::set<std::string> seen;
  for (size_t i = 0; i < shard.backends.size(); ++i) {
    const std::string& name = shard.backends[i];
    all.used.insert(name);
    if (name.empty()) continue;
    check_reference(name, all.backends, "backend", paths[i], report);
    if (!seen.insert(name).second) report.error(paths[i], in_quotes(name) + " stands here twice");
  }
}

void check_short_pool(PoolCheck& all, const Pool& pool, const std::string& path, Report& report) {
  if (report.has(path + ".shard")) {
    report.error(path + ".backends", "write either backends or [[pool.shard]], not both");
    for (const Shard& shard : pool.shards) all.used.insert(shard.backends.begin(), shard.backends.end());
    return;
  }
  Shard together;
  std::vector<std::string> paths;
  for (size_t i = 0; i < pool.shards.size(); ++i) {
    together.backends.push_back(pool.shards[i].name);
    paths.push_back(at_index(path + ".backends", i));
  }
  check_members(all, together, paths, report);
}

double weight_at(const Shard& shard, int64_t unix_s) {
  const Transition& x = shard.transition;
  if (unix_s <= x.from_s || x.until_s <= x.from_s) return shard.weight;
  double part = static_cast<double>(unix_s - x.from_s) / static_cast<double>(x.until_s - x.from_s);
  return shard.weight + (x.weight - shard.weight) * std::min(part, 1.0);
}

// When it is, and to what, could be read.
bool is_known(const Transition& x) { return x.from_s != 0 && x.until_s != 0; }

void check_transition(const Shard& shard, const std::string& path, Report& report) {
  const std::string where = path + ".transition";
  const Transition& x = shard.transition;
  if (!report.has(where)) {
    if (!(shard.weight > 0)) report.error(path + ".weight", "must be a number above 0, or have a transition");
    return;
  }
  for (const char* key : {"weight", "from", "until"}) {
    if (!report.has(where + '.' + key)) report.error(where, std::string("needs ") + key);
  }
  if (is_known(x) && x.until_s < x.from_s + 60) report.error(where + ".until", "must be at least a minute behind from");
}

// Weights are straight lines, so a sum that is 0 is so at a corner.
void check_sum(const Pool& pool, const std::string& path, Report& report) {
  std::vector<int64_t> corners{0};
  for (const Shard& shard : pool.shards)
    corners.insert(corners.end(), {shard.transition.from_s, shard.transition.until_s});
  for (int64_t corner : corners) {
    bool any = std::any_of(pool.shards.begin(), pool.shards.end(),
                           [&](const Shard& shard) { return weight_at(shard, corner) > 0; });
    if (any || pool.shards.empty()) continue;
    return report.error(path, "no shard has a weight above 0" + (corner == 0 ? "" : " on " + format_time(corner)));
  }
}

void check_long_pool(PoolCheck& all, const Pool& pool, const std::string& path, Report& report) {
  check_names(named(path + ".shard", pool.shards), report);
  for (size_t i = 0; i < pool.shards.size(); ++i) {
    std::string where = at_index(path + ".shard", i);
    const Shard& shard = pool.shards[i];
    std::vector<std::string> paths;
    for (size_t j = 0; j < shard.backends.size(); ++j) paths.push_back(at_index(where + ".backends", j));
    if (shard.backends.empty()) report.error(where, "backends must name at least one [[backend]]");
    check_members(all, shard, paths, report);
    check_transition(shard, where, report);
  }
  if (!report.complains(path)) check_sum(pool, path, report);
}

// IMAP and POP3 of a user could not be at the same backend.
void check_protocols(const PoolCheck& all, const Pool& pool, const std::string& path, Report& report) {
  const Backend* first = nullptr;
  for (const Shard& shard : pool.shards) {
    for (const std::string& name : shard.backends) {
      auto found = all.by_name.find(name);
      if (found == all.by_name.end()) continue;  // told already
      const Backend& backend = *found->second;
      if (first == nullptr) first = &backend;
      bool same = std::all_of(protocols().begin(), protocols().end(), [&](const Protocol& each) {
        return serves(*first, each.name) == serves(backend, each.name);
      });
      if (same) continue;
      report.error(path + ".affinity",
                   fmt::format("all backends of the pool must serve the same protocols, unlike {} and {}",
                               in_quotes(first->name), in_quotes(backend.name)));
      return;
    }
  }
}

void check_affinity(const PoolCheck& all, const Pool& pool, const std::string& path, Report& report) {
  if (pool.affinity) return check_protocols(all, pool, path, report);
  for (const char* key : {"affinity_time", "affinity_down"}) {
    const std::string where = path + '.' + key;
    if (report.has(where)) report.warning(where, "has no effect without affinity = true");
  }
}

void check_pools(const Live& live, Report& report) {
  PoolCheck all(live);
  check_names(named("pool", live.pools), report);
  for (size_t i = 0; i < live.pools.size(); ++i) {
    std::string path = at_index("pool", i);
    const Pool& pool = live.pools[i];
    if (report.has(path + ".backends")) {
      check_short_pool(all, pool, path, report);
    } else if (report.has("pool")) {
      check_long_pool(all, pool, path, report);
    }
    check_affinity(all, pool, path, report);
    if (pool.shards.empty()) report.error(path, "needs backends = [...] or [[pool.shard]]");
  }
  if (!report.has("pool")) return;
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const std::string& name = live.backends[i].name;
    if (all.used.count(name) == 0)
      report.warning(at_index("backend", i), in_quotes(name) + " is in no pool and serves nobody");
  }
}

void check_rule(const Live& live, const Rule& x, const std::string& path, Report& report) {
  int set = !x.user.empty() + !x.domain.empty() + !x.regex.empty();
  if (set != 1) report.error(path, "needs exactly one of user, domain and regex");
  check_domain(x.domain, path + ".domain", report, "; for patterns use regex");
  if (x.pool.empty() && x.shard.empty()) report.error(path, "needs pool or shard: where do matching users live?");
  check_placement(live, x.pool, x.shard, path, report);
}

}  // namespace

void check_routes(const Config& config, Report& report) {
  const Live& live = config.live;
  if (live.backends.empty()) report.error("", "there is no [[backend]]: add one with host");
  check_names(named("backend", live.backends), report);
  for (size_t i = 0; i < live.backends.size(); ++i) {
    check_backend(live, live.backends[i], at_index("backend", i), report);
  }
  check_pools(live, report);
  const Routing& routing = live.routing;
  if (report.has("routing.default_pool")) {
    std::vector<std::string> pools;
    for (const Pool& pool : live.pools) pools.push_back(pool.name);
    check_reference(routing.default_pool, pools, "pool", "routing.default_pool", report);
  }
  if (!routing.default_domain.empty() && !is_host_name(routing.default_domain)) {
    report.error("routing.default_domain",
                 in_quotes(routing.default_domain) + " is not a domain (write it without \"@\")");
  }
  for (size_t i = 0; i < routing.rules.size(); ++i) {
    check_rule(live, routing.rules[i], at_index("routing.rule", i), report);
  }
}

}  // namespace postigo::config
