// One [[directory]]: does it have what its kind needs, and nothing that its kind would not look at? Not here: whether
// the server answers (`postigo check --connect`), whether the query is one (the driver, when it is loaded).
#include <algorithm>
#include <unordered_set>

#include "config/check_shared.h"
#include "config/protocol_keys.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

using Type = Directory::Type;

template <auto member>
bool differs(const Directory& x, const Directory& usual) {
  return !(x.*member == usual.*member);
}

struct Use {
  const char* key;
  bool (*written)(const Directory& x, const Directory& usual);
  std::vector<Type> types;  // that look at it
};

const std::vector<Use>& uses() {
  static const std::vector<Type> kSql = {Type::postgresql, Type::mysql};
  static const std::vector<Type> kServers = {Type::postgresql, Type::mysql, Type::ldap, Type::redis};
  static const std::vector<Type> kRemote = {Type::postgresql, Type::mysql, Type::ldap,
                                            Type::redis,      Type::http,  Type::oauth};
  static const std::vector<Use> kUses = {
      {"path", differs<&Directory::path>, {Type::sqlite, Type::passwd_file}},
      {"user", differs<&Directory::users>, {Type::fixed}},
      {"servers", differs<&Directory::servers>, kServers},
      {"login", differs<&Directory::login>, kRemote},
      {"password", differs<&Directory::password>, kRemote},
      {"tls", differs<&Directory::tls>, kServers},
      {"tls_ca", differs<&Directory::tls_ca>, kRemote},
      {"tls_verify", differs<&Directory::tls_verify>, kRemote},
      {"timeout",
       differs<&Directory::timeout_ms>,
       {Type::postgresql, Type::mysql, Type::ldap, Type::redis, Type::http, Type::oauth, Type::pam}},
      {"threads", differs<&Directory::threads>, {Type::postgresql, Type::mysql, Type::ldap, Type::redis, Type::pam}},
      {"fields",
       differs<&Directory::fields>,
       {Type::postgresql, Type::mysql, Type::ldap, Type::redis, Type::http, Type::passwd_file}},
      {"cache",
       differs<&Directory::cache>,
       {Type::postgresql, Type::mysql, Type::ldap, Type::redis, Type::http, Type::oauth, Type::pam}},
      {"pam_service", differs<&Directory::pam_service>, {Type::pam}},
      {"sql", differs<&Directory::sql>, kSql},
      {"ldap", differs<&Directory::ldap>, {Type::ldap}},
      {"http", differs<&Directory::http>, {Type::http}},
      {"redis", differs<&Directory::redis>, {Type::redis}},
      {"oauth", differs<&Directory::oauth>, {Type::oauth}},
  };
  return kUses;
}

void check_uses(const Directory& x, const std::string& path, Report& report) {
  static const Directory kUsual;
  for (const Use& use : uses()) {
    const bool looks = std::find(use.types.begin(), use.types.end(), x.type) != use.types.end();
    if (looks || !use.written(x, kUsual)) continue;
    std::string types;
    for (Type type : use.types) types += (types.empty() ? "" : ", ") + in_quotes(std::string(word_of(type)));
    report.error(path + '.' + use.key, "is for type " + types + " only");
  }
}

void check_conditions(const Live& live, const Conditions& x, const std::string& path, Report& report) {
  check_networks(x.networks, path + ".networks", report);
  std::vector<std::string> listeners;
  for (const Listener& listener : live.listeners) listeners.push_back(listener.name);
  for (size_t i = 0; i < x.protocols.size(); ++i) {
    check_reference(x.protocols[i], protocol_names(), "protocol", at_index(path + ".protocols", i), report);
  }
  for (size_t i = 0; i < x.listeners.size(); ++i) {
    check_reference(x.listeners[i], listeners, "listener", at_index(path + ".listeners", i), report);
  }
  if (x.valid_until_s != 0 && x.valid_until_s <= x.valid_from_s) {
    report.error(path + ".valid_until", "is not after valid_from");
  }
}

void check_limit_class(const Live& live, const std::string& name, const std::string& path, Report& report) {
  std::vector<std::string> classes;
  for (const LimitClass& each : live.limits.classes) {
    if (!each.name.empty()) classes.push_back(each.name);
  }
  if (!name.empty()) check_reference(name, classes, "[[limits.class]]", path + ".class", report);
}

void check_static_user(const Live& live, const Directory& directory, const StaticUser& x, const std::string& path,
                       Report& report) {
  if (x.name.empty()) report.error(path, "name must be set");
  check_placement(live, x.pool, x.shard, path, report);
  check_conditions(live, x.may, path, report);
  check_limit_class(live, x.limit_class, path, report);
  if (!directory.check_password && !x.password.empty()) {
    report.warning(path + ".password", "has no effect without check_password = true in its [[directory]]");
  }
  if (directory.check_password && x.password.empty() && !x.name.empty() && !x.name.starts_with('@')) {
    report.warning(path, "has no password and so cannot log in: passwords are checked here");
  }
}

void check_users(const Live& live, const Directory& x, const std::string& path, Report& report) {
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < x.users.size(); ++i) {
    std::string where = at_index(path + ".user", i);
    check_static_user(live, x, x.users[i], where, report);
    if (!x.users[i].name.empty() && !seen.insert(x.users[i].name).second) {
      report.error(where + ".name", "the user " + in_quotes(x.users[i].name) + " stands here twice");
    }
  }
}

void check_http(const Directory& x, const std::string& path, Report& report) {
  const std::string& url = x.http.url;
  const bool tls = url.starts_with("https://");
  if (!url.empty() && !tls && !url.starts_with("http://")) {
    report.error(path + ".http.url", "must begin with http:// or https://");
  } else if (url.find_first_of("#@ ") != std::string::npos) {
    report.error(path + ".http.url", "must not have blanks, a fragment or a password: there are keys for it");
  }
  if (!x.password.empty() && x.login.empty()) report.error(path + ".password", "needs login");
  if (x.http.dialect == HttpDirectory::Dialect::nginx && !x.check_password) {
    report.error(path + ".http.dialect", "\"nginx\" is about passwords and nothing else: set check_password = true");
  }
}

// What a kind cannot do without.
void check_needs(const Directory& x, const std::string& path, Report& report) {
  auto need = [&](bool there, const std::string& key) {
    if (!there && !report.complains(path)) {
      report.error(path, key + " must be set for type " + in_quotes(std::string(word_of(x.type))));
    }
  };
  switch (x.type) {
    case Type::fixed:
      if (x.users.empty()) report.warning(path, "has no [[directory.user]]: it knows nobody");
      break;
    case Type::sqlite:
    case Type::passwd_file:
      return need(!x.path.empty(), "path");
    case Type::postgresql:
    case Type::mysql:
      need(!x.servers.empty(), "servers");
      need(!x.sql.database.empty(), "sql.database");
      return need(!x.sql.query.empty(), "sql.query");
    case Type::ldap:
      need(!x.servers.empty(), "servers");
      return need(!x.ldap.bind_dn.empty() || (!x.ldap.base.empty() && !x.ldap.filter.empty()),
                  "ldap.base with ldap.filter, or ldap.bind_dn,");
    case Type::http:
      need(!x.http.url.empty(), "http.url");
      return check_http(x, path, report);
    case Type::redis:
      return need(!x.servers.empty(), "servers");
    case Type::oauth:
      return need(!x.oauth.issuer.empty(), "oauth.issuer");
    case Type::pam:
      break;
  }
}

// What the query is worth, its server says.
void check_sql(const Directory& x, const std::string& path, Report& report) {
  if (!x.sql.used.empty() && x.sql.app_passwords.empty()) {
    report.error(path + ".sql.used", "needs sql.app_passwords: there is nothing to be used");
  }
  if (!x.sql.app_passwords.empty() && !x.check_password) {
    report.error(path + ".sql.app_passwords", "needs check_password = true: the backend does not know them");
  }
  constexpr uint16_t kAnyPort = 1;
  for (size_t i = 0; i < x.servers.size(); ++i) {
    const std::string& server = x.servers[i];
    const std::string key = at_index(path + ".servers", i);
    if (server.starts_with('/')) continue;
    auto endpoint = parse_endpoint(server, kAnyPort);
    if (!endpoint) {
      report.error(key, in_quotes(server) + " is neither \"host:port\" nor the path of a unix socket");
    } else if (x.tls == Directory::Tls::off && !is_loopback(endpoint->host)) {
      report.warning(key, "users' hashes come from another machine without TLS: set tls = \"on\"");
    }
  }
}

void check_fields(const Directory& x, const std::string& path, Report& report) {
  for (size_t i = 0; i < x.fields.size(); ++i) {
    const std::string& field = x.fields[i];
    size_t equals = field.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == field.size()) {
      report.error(at_index(path + ".fields", i), in_quotes(field) + " is not \"theirs=ours\"");
    }
  }
}

void check_cache(const Directory& x, const std::string& path, Report& report) {
  if (x.cache.enabled && x.cache.negative_ttl_ms > x.cache.ttl_ms) {
    report.error(path + ".cache.negative_ttl", "is longer than ttl: whoever is new would wait for nothing");
  }
  if (x.cache.enabled && x.type == Type::http && x.http.dialect == HttpDirectory::Dialect::nginx) {
    report.warning(path + ".cache",
                   "an Auth-Pass that is good for one login only would be said again: cache nothing, "
                   "if there are such");
  }
}

// What opens a backend for whom we have verified. Who is asked over HTTP may name it, and what the client said may do
// so, as with nginx; other directories may have a password for each user.
void check_door(const Live& live, const Directory& x, const std::string& path, Report& report) {
  const auto& all = live.backends;
  const bool token = x.type == Type::oauth;
  const bool opens = live.auth.backend_login.mode != BackendLogin::Mode::credentials ||
                     std::any_of(all.begin(), all.end(), [&](const Backend& each) {
                       return each.mechanism == "EXTERNAL" || (token && each.forward_tokens);
                     });
  if (opens || x.type == Type::http || (!token && !x.check_password)) return;
  const std::string how = "set mode in [auth.backend_login] to \"master_authzid\" or \"master_separator\"";
  const bool keeps_none = x.type == Type::fixed || x.type == Type::sqlite || x.type == Type::pam;
  if (token) {
    report.error(path, "a token opens no backend without forward_tokens: " + how);
  } else if (keeps_none) {
    report.error(path + ".check_password", "who checks passwords here needs a master identity for the backend: " + how);
  } else {
    report.warning(path + ".check_password", "only users for whom it has a backend_password come in: " + how);
  }
}

}  // namespace

void check_directory(const Live& live, const Directory& x, const std::string& path, Report& report) {
  check_uses(x, path, report);
  check_needs(x, path, report);
  check_fields(x, path, report);
  check_cache(x, path, report);
  if (x.type == Type::postgresql || x.type == Type::mysql) check_sql(x, path, report);
  if (x.type == Type::ldap) check_ldap(x, path, report);
  if (x.type == Type::oauth) check_oauth(x, path, report);
  check_door(live, x, path, report);
  if (x.saslprep && !x.check_password) {
    report.error(path + ".saslprep", "is about passwords that are checked here: set check_password = true");
  }
  check_users(live, x, path, report);
}

}  // namespace postigo::config
