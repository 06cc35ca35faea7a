// Not here: what stands in the file (check_routes.cc), and which address a name has: whoever hides behind another name
// is found by the hops of a login (T63).
#include "config/check_targets.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/report.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "parser/protocol.h"

namespace postigo::config {

namespace {

bool same_place(const std::string& listen, const std::string& host, const std::string& own_name) {
  auto ip = canonical_ip(host);
  if (is_wildcard(listen)) return is_loopback(host) || is_wildcard(host) || equal_ignoring_case(host, own_name);
  if (is_loopback(listen) && equal_ignoring_case(host, "localhost")) return true;
  return ip ? ip == canonical_ip(listen) : equal_ignoring_case(host, listen);
}

bool is_affine(const Live& live, const std::string& backend) {
  return std::any_of(live.pools.begin(), live.pools.end(), [&](const Pool& pool) {
    return pool.affinity && std::any_of(pool.shards.begin(), pool.shards.end(), [&](const Shard& shard) {
             return std::find(shard.backends.begin(), shard.backends.end(), backend) != shard.backends.end();
           });
  });
}

void check_target(const Live& all, const Backend& written, const Backend& target, const std::string& path,
                  Problems& problems) {
  for (const Protocol& each : protocols()) {
    const std::string_view protocol = each.name;
    const uint16_t port = target.port(protocol);
    if (std::string own = port != 0 ? own_listener(all, target.host, port) : ""; !own.empty()) {
      problems.push_back(error_at(path, fmt::format("{} is our own listener {}: the proxy would connect to itself",
                                                    in_quotes(format_endpoint({target.host, port})), in_quotes(own))));
    }
    if (port != 0 || !serves(written, protocol) || !is_affine(all, target.name)) continue;
    problems.push_back(
        warning_at(path, fmt::format("records have {} without {}: whom affinity binds there cannot log in by {}",
                                     in_quotes(target.host), protocol, protocol)));
  }
}

}  // namespace

std::string own_listener(const Live& live, const std::string& host, uint16_t port) {
  for (const Listener& listener : live.listeners) {
    for (const Endpoint& own : listener.addresses) {
      if (own.port == port && same_place(own.host, host, live.hostname)) return listener.name;
    }
  }
  return {};
}

Problems check_targets(const Live& written, const Expanded& all) {
  Problems problems;
  for (size_t i = 0; i < all.live.backends.size(); ++i) {
    const Backend& origin = written.backends[all.written[i]];
    const Backend& target = all.live.backends[i];
    bool known = !origin.srv.empty() && target.srv.empty();
    if (known) check_target(all.live, origin, target, at_index("backend", all.written[i]) + ".srv", problems);
  }
  return problems;
}

}  // namespace postigo::config
