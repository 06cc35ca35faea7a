// The keys of [[directory]]: those that several kinds share, then a table for what one kind alone needs. Not here:
// which key belongs to which kind (check_directory.cc).
#include "config/schema_parts.h"

namespace postigo::config {

namespace {

using Type = Directory::Type;

const std::vector<Choice>& types() {
  static const std::vector<Choice> kTypes = {{"static", static_cast<int>(Type::fixed)},
                                             {"sqlite", static_cast<int>(Type::sqlite)},
                                             {"passwd-file", static_cast<int>(Type::passwd_file)},
                                             {"postgresql", static_cast<int>(Type::postgresql)},
                                             {"mysql", static_cast<int>(Type::mysql)},
                                             {"ldap", static_cast<int>(Type::ldap)},
                                             {"http", static_cast<int>(Type::http)},
                                             {"redis", static_cast<int>(Type::redis)},
                                             {"pam", static_cast<int>(Type::pam)},
                                             {"oauth", static_cast<int>(Type::oauth)}};
  return kTypes;
}

void describe_conditions(Visitor& v, Conditions& x) {
  v.texts({"networks", "From where he may log in; default: from anywhere"}, x.networks);
  v.texts({"protocols", "What he may use: imap, pop3; default: any"}, x.protocols);
  v.texts({"listeners", "Names of the listeners that he may use; default: any"}, x.listeners);
  v.time({"valid_from", "From when on he may log in: a date and time with an offset"}, x.valid_from_s);
  v.time({"valid_until", "Until when"}, x.valid_until_s);
}

void describe_static_user(Visitor& v, StaticUser& x) {
  v.text({"name", "User name, or \"@example.com\" for a whole domain (required)"}, x.name);
  v.hash({"password", "\"{SCHEME}hash\"; needed if the directory checks passwords"}, x.password);
  v.text({"pool", "Pool; default: by rules"}, x.pool);
  v.text({"shard", "Shard; default: by rules"}, x.shard);
  v.text({"backend_user", "Another name at the backend"}, x.backend_user);
  v.flag({"disabled", "May not log in"}, x.disabled);
  v.time({"disabled_until", "May not log in before: a date and time with an offset"}, x.disabled_until_s);
  v.time({"moving_until", "Is told to come again until then: his mail is on its way"}, x.moving_until_s);
  v.text({"class", "A [[limits.class]] by its name"}, x.limit_class);
  v.count({"sessions_max", "Sessions that he may have, whatever his class; 0: as his class says"}, x.sessions_max,
          {0, 10'000'000});
  v.flag({"main_password", "Whether his own password lets him in, and not only those for programs"}, x.main_password);
  describe_conditions(v, x.may);
}

void describe_sql(Visitor& v, SqlQueries& x) {
  v.text({"database", "Name of the database (required)"}, x.database);
  v.text(
      {"query",
       "One row for who is known; %u, %n, %d are his name, what stands before its @, and behind it (all bound, never "
       "pasted in); columns are fields: password, pool, shard, ... (required)"},
      x.query);
  v.text({"app_passwords",
          "A row for each of his passwords for programs (20 are looked at): label, password (a quick hash), protocols, "
          "networks, listeners, valid_from, valid_until; default: nobody has any"},
         x.app_passwords);
  v.text(
      {"used", "What to do, off the login's path, when one of them has let him in: an UPDATE, with %l for its label"},
      x.used);
}

void describe_ldap(Visitor& v, Ldap& x) {
  v.text({"base", "Where users are searched; may have %u, %n, %d, too"}, x.base);
  v.choice({"scope", "How deep"}, x.scope,
           {{"subtree", static_cast<int>(Ldap::Scope::subtree)},
            {"one", static_cast<int>(Ldap::Scope::one)},
            {"base", static_cast<int>(Ldap::Scope::base)}});
  v.text({"filter", "Which entry is the user's: %u, %n, %d as in queries, escaped"}, x.filter);
  v.text({"bind_dn", "Instead of a search: the name to bind as, with %u, %n, %d"}, x.bind_dn);
  v.text({"password", "Attribute with \"{SCHEME}hash\", to be checked here; default: bind as the user"}, x.password);
}

void describe_http(Visitor& v, HttpDirectory& x) {
  v.choice({"dialect", "JSON of ours, nginx's auth_http, or Nauthilus'"}, x.dialect,
           {{"json", static_cast<int>(HttpDirectory::Dialect::json)},
            {"nginx", static_cast<int>(HttpDirectory::Dialect::nginx)},
            {"nauthilus", static_cast<int>(HttpDirectory::Dialect::nauthilus)}});
  v.text({"url", "Who is asked: http or https (required)"}, x.url);
  v.texts({"headers", "Sent along: \"Name: value\""}, x.headers);
  v.count({"connections_max", "Connections of each worker"}, x.connections_max, {1, 1024});
}

void describe_redis(Visitor& v, Redis& x) {
  v.text({"key", "Of the hash whose fields a user has, with %u, %n, %d"}, x.key);
  v.count({"database", "Number of the database"}, x.database, {0, 65535});
  v.flag({"cluster", "The servers are some of a cluster"}, x.cluster);
}

void describe_oauth(Visitor& v, OAuth& x) {
  v.text({"issuer", "Who must have issued tokens; and where to learn the rest (required)"}, x.issuer);
  v.flag({"discovery", "Ask the issuer's .well-known/openid-configuration for what is not written here"}, x.discovery);
  v.text({"jwks", "File or URL with the keys that sign tokens"}, x.jwks);
  v.text({"introspection", "URL that says of each token whether it is good (RFC 7662); default: check them here"},
         x.introspection);
  v.texts({"audiences", "One of them must be among a token's; default: any"}, x.audiences);
  v.texts({"scopes", "All of them must be among a token's"}, x.scopes);
  v.words({"algorithms", "That may sign"}, x.algorithms,
          {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EDDSA"});
  v.text({"username", "The claim that names the user"}, x.username);
  v.duration({"leeway", "For clocks that differ"}, x.leeway_ms, true);
  v.duration({"refresh", "Keys are asked for again this often, and when one is unknown"}, x.refresh_ms);
}

void describe_cache(Visitor& v, Cache& x) {
  v.duration({"ttl",
              "Who may log in is kept so long, with this secret, from this address; whom you bar, or move by "
              "hand, flush first: `ctl cache flush USER`"},
             x.ttl_ms);
  v.duration({"negative_ttl",
              "Who does not exist so long; where the directory itself judges, also a wrong secret; 0s: not at all"},
             x.negative_ttl_ms, true);
  v.duration({"stale", "Behind its ttl an answer serves so long while the directory is away; 0s: it does not"},
             x.stale_ms, true);
  v.count({"entries", "Answers; beyond, the oldest are forgotten"}, x.entries, {100, 10'000'000});
}

void describe_server(Visitor& v, Directory& x) {
  v.texts({"servers", "Where it is asked, in order; for LDAP URLs: \"ldaps://ldap.example.com\""}, x.servers);
  v.text({"login", "Our name there; default: none"}, x.login);
  v.secret({"password", "Our password there; default: none"}, x.password);
  v.choice({"tls", "Towards the servers"}, x.tls,
           {{"off", static_cast<int>(Directory::Tls::off)},
            {"starttls", static_cast<int>(Directory::Tls::starttls)},
            {"on", static_cast<int>(Directory::Tls::on)}});
  v.path({"tls_ca", "PEM file with the authorities that are trusted; default: the system's"}, x.tls_ca);
  v.flag({"tls_verify", "Check the server's certificate and its name"}, x.tls_verify);
  v.duration({"timeout", "For connecting, and for an answer"}, x.timeout_ms);
  v.count({"threads", "Connections, each with a thread of its own"}, x.threads, {1, 256});
  v.texts({"fields", "\"theirs=ours\": what the server calls a field by another name"}, x.fields);
}

}  // namespace

std::string_view word_of(Directory::Type type) {
  for (const Choice& choice : types()) {
    if (choice.value == static_cast<int>(type)) return choice.word;
  }
  return {};
}

void describe_directory(Visitor& v, Directory& x) {
  v.text({"name", "Label in logs and metrics; default: the type"}, x.name);
  v.choice({"type", "Where users are known"}, x.type, types());
  v.flag({"check_password", "Check passwords here and log in with the master identity"}, x.check_password);
  v.flag({"saslprep", "Passwords are put into one form first, however a keyboard has written them (RFC 4013)"},
         x.saslprep);
  v.path({"path", "SQLite database (`postigo user`), or a passwd-file in Dovecot's format"}, x.path);
  describe_server(v, x);
  v.text({"pam_service", "Of PAM: a file in /etc/pam.d"}, x.pam_service);
  v.table({"sql", "PostgreSQL, MySQL, MariaDB"}, x.sql, describe_sql);
  v.table({"ldap", "LDAP"}, x.ldap, describe_ldap);
  v.table({"http", "A program that is asked over HTTP"}, x.http, describe_http);
  v.table({"redis", "Redis, Valkey"}, x.redis, describe_redis);
  v.table({"oauth", "OAuth 2.0: who is meant by a token"}, x.oauth, describe_oauth);
  v.optional({"cache", "Answers are kept for a while; on if this table is there"}, x.cache.enabled, x.cache,
             describe_cache);
  v.list({"user", "Users of a static directory"}, x.users, describe_static_user);
}

}  // namespace postigo::config
