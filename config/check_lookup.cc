// Where other programs ask for the place of users: can they, does everybody know who is meant, and is it private?
#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

void check_place(const std::string& socketmap, Report& report) {
  if (socketmap.starts_with('/')) return;
  auto endpoint = parse_endpoint(socketmap);
  if (!endpoint || !(canonical_ip(endpoint->host) || endpoint->host == "localhost")) {
    report.error("lookup.socketmap", in_quotes(socketmap) + " is neither a path from / on nor an address with a port");
  } else if (!is_loopback(endpoint->host)) {
    report.warning("lookup.socketmap",
                   "whoever reaches this address can ask where users live: keep strangers away from it");
  }
}

}  // namespace

void check_lookup(const Config& config, Report& report) {
  const Lookup& lookup = config.startup.lookup;
  if (lookup.socketmap.empty()) return;
  check_place(lookup.socketmap, report);
  if (lookup.socketmap == config.startup.admin.socket) {
    report.error("lookup.socketmap", "is the socket of [admin]: give each its own");
  }
  if (lookup.delimiter.find('@') != std::string::npos) {
    report.error("lookup.delimiter", "must not hold \"@\": it divides what stands before the domain");
  }
  for (size_t i = 0; i < lookup.domains.size(); ++i) {
    if (is_host_name(lookup.domains[i])) continue;
    report.error(at_index("lookup.domains", i), in_quotes(lookup.domains[i]) + " is not a domain");
  }
  const Auth& auth = config.live.auth;
  bool vouched = !auth.directories.empty() && !auth.accept_unknown;
  if (vouched || !lookup.domains.empty() || !config.live.routing.default_domain.empty()) return;
  report.warning("lookup",
                 "no directory knows the users, so addresses are found only of domains that are named: set domains");
}

}  // namespace postigo::config
