// The process and its listeners: does every address stand alone, can anybody log in there, and is it safe?
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/network.h"
#include "config/protocol_keys.h"
#include "config/srv.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

// An address that somebody has, as the kernel sees it.
struct Taken {
  std::string ip;  // in the one spelling of canonical_ip
  uint16_t port = 0;
  std::string owner;
};

bool same_family(const std::string& a, const std::string& b) {
  return (a.find(':') == std::string::npos) == (b.find(':') == std::string::npos);
}

// "0.0.0.0:993" takes port 993 of every IPv4 address; "[::]:993" is IPv6 only here.
bool overlap(const Taken& a, const Taken& b) {
  if (a.port != b.port || !same_family(a.ip, b.ip)) return false;
  return a.ip == b.ip || is_wildcard(a.ip) || is_wildcard(b.ip);
}

void check_address(const Endpoint& endpoint, const std::string& owner, const std::string& path,
                   std::vector<Taken>& taken, Report& report) {
  if (endpoint.port == 0) return;  // reported when it was read
  auto ip = canonical_ip(endpoint.host);
  if (!ip) {
    report.error(path,
                 in_quotes(endpoint.host) +
                     " is a name: to listen, write an address of this machine, or \"0.0.0.0\" or \"[::]\" for all");
    return;
  }
  Taken own{*ip, endpoint.port, owner};
  for (const Taken& other : taken) {
    if (!overlap(own, other)) continue;
    std::string theirs = format_endpoint({other.ip, other.port});
    bool equal = own.ip == other.ip;
    report.error(path, in_quotes(format_endpoint(endpoint)) +
                           (equal ? " is already the address of " : " overlaps with " + in_quotes(theirs) + " of ") +
                           other.owner);
    return;
  }
  taken.push_back(std::move(own));
}

// What is no address is told by check_lookup().
void check_socketmap(const std::string& socketmap, std::vector<Taken>& taken, Report& report) {
  if (socketmap.empty() || socketmap.starts_with('/')) return;
  auto endpoint = parse_endpoint(socketmap);
  if (!endpoint) return;
  if (endpoint->host == "localhost") endpoint->host = "127.0.0.1";
  if (canonical_ip(endpoint->host)) check_address(*endpoint, "[lookup] socketmap", "lookup.socketmap", taken, report);
}

// The four ports whose TLS mode every mail client takes for granted (RFC 8314 3).
void check_port(const Listener& x, const Endpoint& endpoint, const std::string& path, Report& report) {
  const bool secure = is_tls_port(endpoint.port), clear = is_clear_port(endpoint.port);
  if (secure && x.tls != Tls::implicit) {
    report.warning(path, fmt::format("clients expect tls = \"implicit\" on port {}", endpoint.port));
  }
  if (clear && x.tls == Tls::implicit) {
    report.warning(path, fmt::format("clients expect tls = \"starttls\" or \"off\" on port {}", endpoint.port));
  }
}

void check_security(const Listener& x, const std::string& path, const Live& live, Report& report) {
  if (x.tls != Tls::off && live.tls.certificates.empty()) {
    report.error(path,
                 "TLS needs a certificate: add [[tls.certificate]] with certificate and key, or say tls = \"off\"");
  }
  if (x.tls == Tls::off && !x.plaintext_login) {
    report.error(path, "nobody can log in with tls = \"off\" unless plaintext_login = true");
  }
  if (!x.plaintext_login || x.tls == Tls::implicit) return;
  for (const Endpoint& endpoint : x.addresses) {
    if (is_loopback(endpoint.host)) continue;
    report.warning(below(path, "plaintext_login"),
                   "passwords may cross the network in clear text to " + in_quotes(format_endpoint(endpoint)));
    return;
  }
}

// A27: who is believed decides who may claim to come from anywhere.
void check_proxies(const Listener& x, const std::string& path, Report& report) {
  if (x.proxy_protocol != ProxyHeaders::off && x.proxy_trusted.empty()) {
    report.error(path + ".proxy_protocol",
                 "needs proxy_trusted: the networks of the balancers whose headers are believed");
  }
  for (size_t i = 0; i < x.proxy_trusted.size(); ++i) {
    std::string where = at_index(path + ".proxy_trusted", i);
    auto network = parse_network(x.proxy_trusted[i]);
    if (!network) {
      report.error(where, network.error().message);
    } else if (x.proxy_trusted[i].ends_with("/0")) {
      report.warning(where, "everybody may claim to come from anywhere");
    }
  }
}

// A4: who speaks for users may say to a backend's passdb what it wants. Where balancers are, their clients could.
void check_speakers(const Listener& x, const std::string& path, Report& report) {
  for (size_t i = 0; i < x.forward_trusted.size(); ++i) {
    const std::string& text = x.forward_trusted[i];
    const std::string where = at_index(path + ".forward_trusted", i);
    auto network = parse_network(text);
    if (!network) {
      report.error(where, network.error().message);
      continue;
    }
    if (text.ends_with("/0")) report.warning(where, "everybody may speak for every user, and to the backend's passdb");
    for (const std::string& other : x.proxy_trusted) {
      auto balancer = parse_network(other);
      if (!balancer || network->bits >= balancer->bits || !network->contains(balancer->address)) continue;
      report.warning(where, in_quotes(text) + " is wider than " + in_quotes(other) +
                                " in proxy_trusted: what the clients of a balancer there say would be believed");
    }
  }
}

void check_listener(const Config& config, size_t index, std::vector<Taken>& taken, Report& report) {
  const Listener& x = config.live.listeners[index];
  const Live& live = config.live;
  std::string path = at_index("listener", index);
  if (!report.has(path + ".protocol")) report.error(path, "protocol must be set: \"imap\" or \"pop3\"");
  if (!report.has(path + ".address")) report.error(path, "address must be set, as in address = \"0.0.0.0:993\"");
  if (report.has(path + ".address") && x.addresses.empty()) report.error(path + ".address", "must not be empty");
  for (size_t i = 0; i < x.addresses.size(); ++i) {
    std::string where = at_index(path + ".address", i);
    check_address(x.addresses[i], "listener " + in_quotes(x.name), where, taken, report);
    check_port(x, x.addresses[i], where, report);
  }
  check_security(x, path, live, report);
  check_proxies(x, path, report);
  check_speakers(x, path, report);
  bool known = find_protocol(x.protocol) != nullptr;
  bool served = report.complains("backend.srv");  // nobody knows by what
  for (const Backend& backend : live.backends) {
    bool unclear = std::any_of(backend.srv.begin(), backend.srv.end(),
                               [](const std::string& name) { return protocol_of_srv(name).empty(); });
    served = served || unclear || serves(backend, x.protocol);
  }
  if (known && !served && !live.backends.empty()) {
    report.warning(path, "no backend serves " + x.protocol + ": logins here will fail");
  }
}

}  // namespace

void check_startup(const Config& config, Report& report) {
  const Startup& startup = config.startup;
  const Live& live = config.live;
  if (!is_host(live.hostname)) {
    report.error("server.hostname", in_quotes(live.hostname) + " is not a host name: set hostname in [server]");
  }
  if (live.listeners.empty()) {
    report.error("", "there is no [[listener]]: add one with protocol and address");
  }
  check_names(named("listener", live.listeners), report);
  std::vector<Taken> taken;
  if (startup.admin.enabled) check_address(startup.admin.address, "[admin]", "admin.address", taken, report);
  if (startup.admin.api_address.port != 0) {
    check_address(startup.admin.api_address, "[admin] api_address", "admin.api_address", taken, report);
  }
  for (size_t i = 0; i < live.listeners.size(); ++i) check_listener(config, i, taken, report);
  check_socketmap(startup.lookup.socketmap, taken, report);
  const std::string& admin = startup.admin.address.host;
  if (startup.admin.enabled && canonical_ip(admin) && !is_loopback(admin)) {
    report.warning("admin.address",
                   "metrics and health are served without authentication: keep strangers away from it");
  }
}

void check_resolver(const Resolver& resolver, Report& report) {
  constexpr uint64_t kTimeoutMaxMs = 60'000;
  for (size_t i = 0; i < resolver.servers.size(); ++i) {
    const Endpoint& server = resolver.servers[i];
    if (server.port == 0 || canonical_ip(server.host)) continue;  // without a port: reported when it was read
    report.error(at_index("resolver.servers", i), "a name server is given by its address, as in \"192.0.2.53\"");
  }
  if (resolver.timeout_ms > kTimeoutMaxMs) report.error("resolver.timeout", "must be at most 1m");
  if (resolver.ttl_min_ms > resolver.ttl_max_ms) report.error("resolver.ttl_min", "must not be above ttl_max");
}

void check_limits(const Limits& limits, Report& report) {
  constexpr uint64_t kMinute = 60'000;
  constexpr uint64_t kLoginMemoryMin = 1024 * 1024;
  constexpr uint64_t kHighWaterMin = 16 * 1024, kHighWaterMax = 64 * 1024 * 1024;
  for (const Protocol& each : protocols()) {
    if (limits.idle_timeout_ms.of(each.name) >= each.idle_timeout_min_ms) continue;
    report.error(std::string("limits.") + idle_timeout_key(each),
                 fmt::format("must be at least {}m ({})", each.idle_timeout_min_ms / kMinute, each.idle_rfc));
  }
  if (limits.auth_failure_delay_ms >= limits.login_timeout_ms) {
    report.error("limits.auth_failure_delay", "must be shorter than login_timeout, or no refusal is ever told");
  }
  if (limits.login_memory < kLoginMemoryMin) report.error("limits.login_memory", "must be at least 1m");
  if (limits.memory != 0 && limits.memory < limits.login_memory) {
    report.error("limits.memory", "must not be less than login_memory, which is a part of it");
  }
  if (limits.relay_high_water < kHighWaterMin || limits.relay_high_water > kHighWaterMax) {
    report.error("limits.relay_high_water", "must be from 16k to 64m");
  }
}

}  // namespace postigo::config
