// What clients may log in with: is there somebody who can answer it, and who may act as whom? Not here: what a
// mechanism is (parser/sasl/mechanisms.h).
#include <algorithm>

#include "config/check_shared.h"
#include "config/suggest.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::config {

namespace {

bool has_certificates(const Live& live) {
  return std::any_of(live.listeners.begin(), live.listeners.end(),
                     [](const Listener& each) { return each.client_certificate != ClientCertificate::off; });
}

bool has(const Live& live, bool (*fits)(const Directory&)) {
  return std::any_of(live.auth.directories.begin(), live.auth.directories.end(), fits);
}

bool forwards_tokens(const Live& live) {
  return std::any_of(live.backends.begin(), live.backends.end(),
                     [](const Backend& each) { return each.forward_tokens; });
}

// Whom such a mechanism needs, as no backend ever sees what its client says; null: he is there.
const char* lacks(const Live& live, sasl::Asks asks) {
  switch (asks) {
    case sasl::Asks::verdict:
      return nullptr;
    case sasl::Asks::token:
      if (has(live, [](const Directory& each) { return each.type == Directory::Type::oauth; })) return nullptr;
      if (forwards_tokens(live)) return nullptr;
      return "type = \"oauth\", or a [[backend]] with forward_tokens = true: nobody else can say whose a token is";
    case sasl::Asks::secret:
    case sasl::Asks::account:
      break;
  }
  if (has(live, [](const Directory& each) { return each.check_password; })) return nullptr;
  return "check_password = true: no backend can say whether such a client is right";
}

// It could be asked about a password alone, or about a token.
bool keeps_nothing(const Directory& x) {
  const bool binds = x.type == Directory::Type::ldap && x.ldap.password.empty();
  const bool nginx = x.type == Directory::Type::http && x.http.dialect == HttpDirectory::Dialect::nginx;
  return !x.check_password || binds || nginx || x.type == Directory::Type::pam || x.type == Directory::Type::oauth;
}

void check_mechanism(const Live& live, const std::string& name, const std::string& path, Report& report) {
  const sasl::Mechanism* row = sasl::find_mechanism(name);
  if (row == nullptr) return;  // told already
  if (const char* wanted = lacks(live, row->asks)) {
    report.error(path, in_quotes(name) + " needs a [[directory]] with " + wanted);
  }
  const auto& all = live.auth.directories;
  if (row->asks == sasl::Asks::secret && !all.empty() && lacks(live, row->asks) == nullptr &&
      std::all_of(all.begin(), all.end(), keeps_nothing)) {
    report.warning(path,
                   in_quotes(name) +
                       " can let nobody in: PAM, LDAP without ldap.password and nginx's dialect can only be asked "
                       "about a password, and keep nothing that it could be proven against");
  }
  if (row->certificate && !has_certificates(live)) {
    report.error(path, in_quotes(name) + " needs a [[listener]] with client_certificate = \"ask\" or \"require\"");
  }
  if (name == "ANONYMOUS" && live.auth.anonymous_user.empty()) {
    report.error(path, in_quotes(name) + " needs auth.anonymous_user: whom it lets in as");
  }
}

void check_pattern(const std::string& text, const std::string& path, const char* key, Report& report) {
  if (text.empty()) return report.error(path, std::string(key) + " must be set");
  if (is_pattern(text)) return;
  report.error(path + '.' + key, in_quotes(text) + " is not a user name, \"*@\" and a domain, or \"*\"");
}

}  // namespace

void check_mechanisms(const Live& live, Report& report) {
  const Auth& auth = live.auth;
  if (auth.mechanisms.empty()) {
    report.error("auth.mechanisms", "must not be empty: leave it out for PLAIN and LOGIN");
  }
  for (size_t i = 0; i < auth.mechanisms.size(); ++i) {
    check_mechanism(live, auth.mechanisms[i], at_index("auth.mechanisms", i), report);
  }
  bool anonymous = std::find(auth.mechanisms.begin(), auth.mechanisms.end(), "ANONYMOUS") != auth.mechanisms.end();
  if (!auth.anonymous_user.empty() && !anonymous) {
    report.warning("auth.anonymous_user", "has no effect: ANONYMOUS is not among auth.mechanisms");
  }
  for (size_t i = 0; i < auth.impersonation.size(); ++i) {
    std::string path = at_index("auth.impersonation", i);
    check_pattern(auth.impersonation[i].who, path, "who", report);
    check_pattern(auth.impersonation[i].whom, path, "whom", report);
  }
}

}  // namespace postigo::config
