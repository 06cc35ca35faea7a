// Penalties and limits: do they contradict each other, or what they are for?
#include "config/check.h"
#include "config/check_shared.h"
#include "config/network.h"
#include "config/suggest.h"
#include "config/units.h"

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

namespace {

// A limit that another one never lets anybody reach.
void check_within(uint64_t inner, uint64_t outer, const std::string& path, const char* outer_name, Report& report) {
  if (inner != 0 && outer != 0 && inner > outer) {
    report.error(path, std::string("is never reached: ") + outer_name + " is less");
  }
}

std::string_view domain_of(std::string_view user) {
  size_t at = user.rfind('@');
  return at == std::string_view::npos ? std::string_view() : user.substr(at + 1);
}

// Whoever is in `inner` is in `outer`.
bool covers(const LimitClass& outer, const LimitClass& inner) {
  bool domain = outer.domain.empty() || outer.domain == inner.domain ||
                (!inner.user.empty() && outer.domain == domain_of(inner.user));
  bool user = outer.user.empty() || outer.user == inner.user;
  const bool name = outer.name.empty() || outer.name == inner.name;
  return name && user && domain && (outer.pool.empty() || outer.pool == inner.pool);
}

bool says_nothing(const LimitClass& x) {
  return x.name.empty() && x.user.empty() && x.domain.empty() && x.pool.empty();
}

// Those that nobody is ever in: the first one that matches decides.
void check_reach(const std::vector<LimitClass>& classes, size_t index, Report& report) {
  const LimitClass& x = classes[index];
  const std::string path = at_index("limits.class", index);
  if (says_nothing(x)) return;  // told already
  if (!x.user.empty() && !x.domain.empty() && domain_of(x.user) != x.domain) {
    report.warning(path, "nobody is in it: the user is not of this domain");
    return;
  }
  for (size_t i = 0; i < index; ++i) {
    if (says_nothing(classes[i]) || !covers(classes[i], x)) continue;
    report.warning(path, "nobody is in it: class " + std::to_string(i + 1) + " has all of its users, and comes first");
    return;
  }
}

void check_class(const Live& live, const LimitClass& x, const std::string& path, Report& report) {
  if (says_nothing(x)) report.error(path, "needs one of name, user, domain and pool");
  check_domain(x.domain, path + ".domain", report);
  check_placement(live, x.pool, "", path, report);
  check_within(x.sessions_per_user_address, x.sessions_per_user, path + ".sessions_per_user_address",
               "sessions_per_user", report);
}

// Of a backend that has them, and those of the whole beside them.
void check_backend_limits(const Live& live, const Backend& x, const std::string& path, Report& report) {
  if (x.sessions_max != 0 && live.limits.backend_logins_max > x.sessions_max) {
    report.warning(path + ".sessions_max", "is less than limits.backend_logins_max, which is never reached there");
  }
  check_within(x.sessions_max, live.limits.sessions_max, path + ".sessions_max", "limits.sessions_max", report);
  const bool limited = x.sessions_max != 0 || x.logins_per_s != 0;
  for (const char* key : {"queue_max", "queue_timeout"}) {
    if (!limited && report.has(path + '.' + key)) {
      report.warning(path + '.' + key, "has no effect without sessions_max or logins_per_s: nobody waits");
    }
  }
  if (limited && x.queue_max == 0 && report.has(path + ".queue_timeout")) {
    report.warning(path + ".queue_timeout", "has no effect: with queue_max = 0 nobody waits");
  }
  if (limited && x.queue_timeout_ms >= live.limits.login_timeout_ms) {
    report.error(path + ".queue_timeout", "must be shorter than limits.login_timeout");
  }
}

void check_pool_limit(const Live& live, const Pool& pool, const std::string& path, Report& report) {
  check_within(pool.sessions_max, live.limits.sessions_max, path + ".sessions_max", "limits.sessions_max", report);
}

void check_places(const Live& live, Report& report) {
  for (size_t i = 0; i < live.backends.size(); ++i) {
    check_backend_limits(live, live.backends[i], at_index("backend", i), report);
  }
  for (size_t i = 0; i < live.pools.size(); ++i) check_pool_limit(live, live.pools[i], at_index("pool", i), report);
  for (size_t i = 0; i < live.listeners.size(); ++i) {
    check_within(live.listeners[i].sessions_max, live.limits.sessions_max, at_index("listener", i) + ".sessions_max",
                 "limits.sessions_max", report);
  }
}

}  // namespace

void check_session_limits(const Live& live, Report& report) {
  check_places(live, report);
  const Limits& x = live.limits;
  check_within(x.sessions_per_user_address, x.sessions_per_user, "limits.sessions_per_user_address",
               "sessions_per_user", report);
  check_within(x.sessions_per_address, x.sessions_per_network, "limits.sessions_per_address", "sessions_per_network",
               report);
  check_within(x.sessions_per_user, x.sessions_max, "limits.sessions_per_user", "sessions_max", report);
  check_within(x.sessions_per_network, x.sessions_max, "limits.sessions_per_network", "sessions_max", report);
  check_within(x.sessions_per_address, x.sessions_max, "limits.sessions_per_address", "sessions_max", report);
  check_within(x.address_connections_per_s, x.connections_per_s, "limits.address_connections_per_s",
               "connections_per_s", report);
  check_within(x.address_logins_per_s, x.logins_per_s, "limits.address_logins_per_s", "logins_per_s", report);
  if (x.ipv6_network > x.ipv6_address) {
    report.error("limits.ipv6_network", "must not be more bits than ipv6_address: it is the wider network");
  }
  check_networks(x.exempt, "limits.exempt", report);
  for (size_t i = 0; i < x.classes.size(); ++i) {
    check_class(live, x.classes[i], at_index("limits.class", i), report);
    check_reach(x.classes, i, report);
  }
}

namespace {

void check_url(const std::string& url, Report& report) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return report.error("policy.url", "must begin with http:// or https://");
  if (url.find_first_of("?#@ ") != std::string::npos) {
    return report.error("policy.url", "must not have a query, blanks or a password: there are keys for it");
  }
  std::string_view server = std::string_view(url).substr(tls ? 8 : 7);
  server = server.substr(0, server.find('/'));
  if (server.empty()) return report.error("policy.url", "names no server");
  auto endpoint = parse_endpoint(server, 80);
  if (!endpoint) report.error("policy.url", in_quotes(server) + ": " + endpoint.error().message);
}

}  // namespace

void check_policy(const Live& live, Report& report) {
  const Policy& x = live.policy;
  if (x.url.empty()) {
    if (!x.password.empty() || !x.pwhash_nonce.empty()) report.warning("policy", "has no effect without url");
    if (x.on_failure == Policy::OnFailure::closed) {
      report.error("policy.on_failure", "\"closed\" needs url: without it nobody is asked, and all are let in");
    }
    return;
  }
  check_url(x.url, report);
  if (x.pwhash && x.pwhash_nonce.empty() && !asks_for_secret(report, "policy.pwhash_nonce")) {
    report.error("policy.pwhash",
                 "needs pwhash_nonce_file (or pwhash_nonce_env): without salt the hash gives bits away");
  }
  if (x.timeout_ms >= live.limits.login_timeout_ms) {
    report.error("policy.timeout", "must be shorter than limits.login_timeout");
  }
  if (!x.before && !x.after && !x.report) report.warning("policy", "has no effect: before, after and report are off");
}

}  // namespace postigo::config
