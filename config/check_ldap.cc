// What a directory of type "ldap" may not contradict. Not here: templates and filters, which the driver reads.
#include <algorithm>

#include "config/check_shared.h"
#include "config/suggest.h"

namespace postigo::config {

namespace {

bool is_url(const std::string& server) {
  return server.starts_with("ldap://") || server.starts_with("ldaps://") || server.starts_with("ldapi://");
}

void check_server(const Directory& x, const std::string& server, const std::string& path, Report& report) {
  if (!is_url(server)) {
    report.error(path,
                 in_quotes(server) + " is no LDAP URL: write \"ldaps://\", \"ldap://\" or \"ldapi://\" before it");
  } else if (x.tls == Directory::Tls::starttls && server.starts_with("ldaps://")) {
    report.error(path, in_quotes(server) + " has TLS from the beginning: tls = \"starttls\" is for \"ldap://\"");
  } else if (x.tls == Directory::Tls::on && server.starts_with("ldap://")) {
    report.error(path, in_quotes(server) + " has no TLS: write \"ldaps://\", or tls = \"starttls\"");
  } else if (x.tls == Directory::Tls::off && server.starts_with("ldap://")) {
    const std::string host = server.substr(std::string("ldap://").size());
    if (host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")) return;
    report.warning(path,
                   "passwords go to " + in_quotes(server) + " in clear: write \"ldaps://\", or tls = \"starttls\"");
  }
}

void check_login(const Directory& x, const std::string& path, Report& report) {
  if (!x.login.empty() && x.password.empty() && !asks_for_secret(report, path + ".password")) {
    report.error(path + ".login", "needs a password: a server takes a name without one for nobody (RFC 4513 5.1.2)");
  }
  if (x.login.empty() && !x.password.empty()) report.error(path + ".password", "is nobody's: login is not set");
}

void check_way(const Directory& x, const std::string& path, Report& report) {
  const Ldap& ldap = x.ldap;
  const bool searches = !ldap.base.empty() && !ldap.filter.empty();
  if (ldap.base.empty() != ldap.filter.empty() && !ldap.bind_dn.empty()) {
    report.error(path, "ldap.base and ldap.filter belong together: one of them is missing");
  }
  if (!ldap.bind_dn.empty() && !ldap.password.empty()) {
    report.error(path + ".ldap.bind_dn", "binds as the user, ldap.password compares hashes here: one of them");
  }
  if (!searches && !ldap.bind_dn.empty() && !x.check_password) {
    report.error(path,
                 "ldap.bind_dn knows users by their passwords alone: set check_password, or ldap.base and ldap.filter");
  }
  if (!ldap.password.empty() && !x.check_password) {
    report.warning(path + ".ldap.password", "has no effect without check_password = true");
  }
}

}  // namespace

void check_ldap(const Directory& x, const std::string& path, Report& report) {
  for (size_t i = 0; i < x.servers.size(); ++i) check_server(x, x.servers[i], at_index(path + ".servers", i), report);
  check_login(x, path, report);
  check_way(x, path, report);
}

}  // namespace postigo::config
