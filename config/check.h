// What values mean together: names that must exist, addresses that must differ, files that must be readable, settings
// that would lock people out or let the wrong ones in. Looks at the file system, not at the network; does not open
// certificates (TLS contexts do) nor compile regexes (Router does).
#pragma once

#include "config/config.h"
#include "config/report.h"

namespace postigo::config {

// REQUIRES: complete() has run. Reports everything that it finds.
void check(const Config& config, Report& report);

// The parts of it, one file each.
void check_startup(const Config& config, Report& report);  // server, admin, listeners
void check_log(const Live& live, Report& report);
void check_policy(const Live& live, Report& report);
void check_session_limits(const Live& live, Report& report);
void check_penalty(const Live& live, Report& report);
void check_limits(const Limits& limits, Report& report);
void check_resolver(const Resolver& resolver, Report& report);
void check_tls(const Config& config, Report& report);     // certificates, backends' TLS
void check_health(const Config& config, Report& report);  // [health], [ready], zones
void check_routes(const Config& config, Report& report);  // backends, pools, rules
void check_name_form(const NameForm& x, Report& report);
void check_auth(const Config& config, Report& report);    // directories, backend login, capabilities
void check_lookup(const Config& config, Report& report);  // where users' places are asked for
void check_admin(const Config& config, Report& report);   // the admin API on TCP

}  // namespace postigo::config
