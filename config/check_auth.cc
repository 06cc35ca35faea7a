// Directories and capability lists: can those log in who should, and nobody else? Not here: single directories
// (check_directory.cc), mechanisms of clients (check_mechanisms.cc), how we log in (check_backend_login.cc).
#include <algorithm>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "parser/protocol.h"

namespace postigo::config {

namespace {

// Atoms (RFC 9051 9); POP3 capabilities may carry arguments (RFC 2449 3).
bool is_capability(std::string_view name, bool arguments) {
  return std::all_of(name.begin(), name.end(), [&](char c) {
    if (c == ' ') return arguments;
    return c > ' ' && c < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
}

// What only the proxy itself can know, and what must not reach a backend through it (T39, T40, T41, T42).
const char* not_to_add(std::string_view name) {
  if (name.starts_with("AUTH=") || name == "SASL-IR" || name == "LOGINDISABLED" || name == "STARTTLS" ||
      name == "STLS" || name == "SASL" || name.starts_with("SASL ") || name.starts_with("IMAP4")) {
    return "is not for the operator to add: it depends on the state of the session";
  }
  if (name.starts_with("COMPRESS=")) return "cannot be added: set allow_compress, and the backend's word counts";
  if (name == "UNAUTHENTICATE" || name == "LOGIN-REFERRALS" || name == "MAILBOX-REFERRALS") {
    return "cannot be added: it would lead clients around the proxy";
  }
  return nullptr;
}

void check_added(const std::vector<std::string>& names, const std::string& path, bool arguments, Report& report) {
  for (size_t i = 0; i < names.size(); ++i) {
    std::string where = at_index(path, i);
    const char* reason = not_to_add(names[i]);
    if (!is_capability(names[i], arguments)) {
      report.error(where, in_quotes(names[i]) + " is not a capability");
    } else if (reason != nullptr) {
      report.error(where, in_quotes(names[i]) + ' ' + reason);
    }
  }
}

void check_capabilities(const Capabilities& x, const std::string& path, bool arguments, Report& report) {
  for (size_t i = 0; i < x.hide.size(); ++i) {
    if (is_capability(x.hide[i], false)) continue;
    report.error(at_index(path + ".hide", i), in_quotes(x.hide[i]) + " is not the name of a capability");
  }
  check_added(x.add, path + ".add", arguments, report);
  check_added(x.before_login, path + ".before_login", arguments, report);
}

}  // namespace

void check_auth(const Config& config, Report& report) {
  const Live& live = config.live;
  const Auth& auth = live.auth;
  check_mechanisms(live, report);
  check_backend_login(live, report);
  check_names(named("directory", auth.directories), report);
  for (size_t i = 0; i < auth.directories.size(); ++i) {
    check_directory(live, auth.directories[i], at_index("directory", i), report);
  }
  for (const Protocol& each : protocols()) {
    check_capabilities(live.capabilities.of(each.name), "capabilities." + std::string(each.name),
                       each.capability_arguments, report);
  }
}

}  // namespace postigo::config
