// [[directory]]: where users are known. What all kinds have, then what one kind alone needs.
//
// Plain values, checked and complete after load(); a kind (type) reads its own part and leaves the others alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/kept_secret.h"
#include "config/names.h"

namespace postigo::config {

// When, from where and how somebody may come in. Whoever has the right password and may not, learns nothing else than
// who has a wrong one.
struct Conditions {
  std::vector<std::string> networks;            // network.h; none: from anywhere
  std::vector<std::string> protocols;           // Protocol::name; none: any
  std::vector<std::string> listeners;           // their names; none: any
  int64_t valid_from_s = 0, valid_until_s = 0;  // unix time; 0: no bound
  bool operator==(const Conditions&) const = default;
};

struct StaticUser {
  std::string name;      // normalised like a login; "@example.com" entries are domains
  std::string password;  // "{SCHEME}hash"; empty: the backend checks
  std::string pool, shard;
  std::string backend_user;
  bool disabled = false;
  Conditions may = {};
  int64_t disabled_until_s = 0;  // unix time: until then he is disabled
  int64_t moving_until_s = 0;    // until then he is told to come again: his mail is on its way
  std::string limit_class = {};  // LimitClass::name
  uint64_t sessions_max = 0;     // of his own, instead of any class's; 0: none of his own
  bool main_password = true;     // false: only passwords for programs let him in
  bool operator==(const StaticUser&) const = default;
};

// PostgreSQL, MySQL and MariaDB.
struct SqlQueries {
  std::string database;
  std::string query;          // one row for who is known; each column is a field of the same name
  std::string app_passwords;  // a row for each of his passwords for programs; empty: nobody has any
  std::string used;           // told, with %l for its label, that one of them has let him in; empty: nothing
  bool operator==(const SqlQueries&) const = default;
};

struct Ldap {
  enum class Scope { subtree, one, base };
  std::string base;  // where entries are searched; empty with bind_dn
  Scope scope = Scope::subtree;
  std::string filter;    // with %u, %n, %d, escaped
  std::string bind_dn;   // a template instead of a search: bind with the password as this
  std::string password;  // an attribute that holds "{SCHEME}hash", to check here; empty: bind as the user
  bool operator==(const Ldap&) const = default;
};

struct HttpDirectory {
  enum class Dialect { json, nginx, nauthilus };
  Dialect dialect = Dialect::json;
  std::string url;
  std::vector<std::string> headers;  // "Name: value", sent along
  unsigned connections_max = 16;     // of each worker
  bool operator==(const HttpDirectory&) const = default;
};

struct Redis {
  std::string key = "user:%u";  // a hash with fields
  unsigned database = 0;
  bool cluster = false;  // the servers are some of a cluster; questions go where the key is
  bool operator==(const Redis&) const = default;
};

struct OAuth {
  std::string issuer;                  // what tokens must say; with `discovery` also where the rest is learnt
  bool discovery = true;               // ask issuer + /.well-known/openid-configuration for what is not written here
  std::string jwks;                    // a file or a URL with keys
  std::string introspection;           // RFC 7662: ask this URL about tokens instead of checking them
  std::vector<std::string> audiences;  // one of them must be among the token's; none: any
  std::vector<std::string> scopes;     // all of them must be among the token's
  std::vector<std::string> algorithms = {"RS256", "PS256", "ES256", "EDDSA"};  // that may sign
  std::string username = "email";                                              // the claim that names the user
  uint64_t leeway_ms = 60'000;                                                 // for clocks
  uint64_t refresh_ms = 600'000;                                               // keys are asked for again this often
  bool operator==(const OAuth&) const = default;
};

// What is remembered of its answers (backends/directory/cache).
struct Cache {
  bool enabled = false;
  uint64_t ttl_ms = 60'000;          // of who is known
  uint64_t negative_ttl_ms = 5'000;  // of who is not, and of wrong passwords; 0: they are asked about each time
  uint64_t stale_ms = 0;             // behind its time an answer serves so long while the directory is away
  uint64_t entries = 100'000;
  bool operator==(const Cache&) const = default;
};

struct Directory {
  enum class Type { fixed, sqlite, passwd_file, postgresql, mysql, ldap, http, redis, pam, oauth };  // "static"
  enum class Tls { off, starttls, on };
  std::string name;
  Type type = Type::fixed;
  bool check_password = false;    // false: the backend checks it; true: we do, and log in with the master identity
  std::string path;               // sqlite, passwd-file
  std::vector<StaticUser> users;  // static
  NameForm names = {};            // of [names] and [routing]
  bool saslprep = false;          // passwords are put into one form before they are checked (RFC 4013)

  // Kinds that ask a server.
  std::vector<std::string> servers = {};  // tried in order; LDAP: URLs
  std::string login = {};                 // our own name there
  KeptSecret password = {};               // and password
  Tls tls = Tls::off;
  std::string tls_ca = {};               // PEM; empty: the system's
  bool tls_verify = true;                // the server's certificate, with its name
  uint64_t timeout_ms = 2'000;           // for connecting, and for an answer
  unsigned threads = 4;                  // connections, each with a thread of its own, of this directory alone
  std::vector<std::string> fields = {};  // "theirs=ours": what the server calls a field by another name

  SqlQueries sql = {};
  Ldap ldap = {};
  HttpDirectory http = {};
  Redis redis = {};
  std::string pam_service = "postigo";
  OAuth oauth = {};
  Cache cache = {};

  bool operator==(const Directory&) const = default;
};

// As in the file.
std::string_view word_of(Directory::Type type);

}  // namespace postigo::config
