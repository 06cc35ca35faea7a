// How we log in to backends: does the master's identity fit the mechanism, and what opens the door is there? Not here:
// what clients may log in with (check_mechanisms.cc), which mechanism a backend really offers (parser/sasl/choose.h).
#include <algorithm>

#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/sasl/choose.h"

namespace postigo::config {

namespace {

bool verifies(const Live& live) {
  const auto& all = live.auth.directories;
  return std::any_of(all.begin(), all.end(),
                     [](const Directory& each) { return each.check_password || each.type == Directory::Type::oauth; });
}

void check_master(const Live& live, Report& report) {
  const BackendLogin& x = live.auth.backend_login;
  const std::string path = "auth.backend_login";
  if (x.mode == BackendLogin::Mode::credentials) {
    if (!x.master_user.empty() || !x.master_password.empty()) {
      report.warning(path, "master_user and master_password have no effect in mode \"credentials\"");
    }
    return;
  }
  if (x.master_user.empty()) report.error(path, "master_user must be set in this mode");
  bool asked = asks_for_secret(report, path + ".master_password");
  if (!asked) report.error(path, "master_password_file (or master_password_env) must be set in this mode");
  if (x.separator.empty()) report.error(path + ".separator", "must not be empty");
  if (verifies(live)) return;
  report.warning(path, "is not used: no [[directory]] has check_password = true, or knows whose tokens are");
}

void check_external(const Live& live, const Backend& x, const std::string& path, Report& report) {
  if (x.tls.mode == Tls::off || x.tls.certificate_file.empty()) {
    report.error(path, "\"EXTERNAL\" needs TLS with a certificate of ours: certificate in [backend.tls]");
  }
  if (!verifies(live)) {
    report.error(path,
                 "\"EXTERNAL\" needs a [[directory]] with check_password = true, or type = \"oauth\": our certificate "
                 "must not speak for whom nobody has verified");
  }
}

// Whoever stands between us and the backend may cut its list, or read what passes.
void check_way(const Live& live, const Backend& x, const std::string& path, Report& report) {
  const bool open = x.tls.mode == Tls::off || !x.tls.verify;
  if (!open || is_loopback(x.host)) return;
  if (x.forward_tokens) {
    report.warning(path + ".forward_tokens", "tokens go there without TLS that is verified: set [backend.tls]");
  }
  if (x.mechanism == sasl::kStrongest && live.auth.backend_login.mode != BackendLogin::Mode::credentials) {
    report.warning(path + ".mechanism",
                   "\"auto\" says the master's password to whoever offers nothing better, and there is no TLS that is "
                   "verified: name one");
  }
}

void check_mechanism(const Live& live, const Backend& x, const std::string& path, Report& report) {
  const sasl::ClientMechanism* row = sasl::find_client_mechanism(x.mechanism);
  if (row == nullptr) return;  // AUTO, or told already
  if (row->key == DoorKey::certificate) return check_external(live, x, path, report);
  if (row->binds && x.tls.mode == Tls::off) {
    report.error(path, in_quotes(x.mechanism) + " binds to TLS, which this backend does not have: tls is \"off\"");
  }
  if (!row->authzid && live.auth.backend_login.mode == BackendLogin::Mode::master_authzid) {
    report.error(
        path, in_quotes(x.mechanism) + " carries no authzid: auth.backend_login.mode must not be \"master_authzid\"");
  }
}

void check_tokens(const Live& live, const std::string& path, Report& report) {
  const auto& offered = live.auth.mechanisms;
  bool any = std::any_of(offered.begin(), offered.end(), [](const std::string& name) {
    const sasl::ClientMechanism* row = sasl::find_client_mechanism(name);
    return row != nullptr && row->key == DoorKey::token;
  });
  if (!any) report.warning(path, "has no effect: neither OAUTHBEARER nor XOAUTH2 is among auth.mechanisms");
}

}  // namespace

void check_backend_login(const Live& live, Report& report) {
  check_master(live, report);
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const std::string path = at_index("backend", i);
    check_mechanism(live, live.backends[i], path + ".mechanism", report);
    check_way(live, live.backends[i], path, report);
    if (live.backends[i].forward_tokens) check_tokens(live, path + ".forward_tokens", report);
  }
}

}  // namespace postigo::config
