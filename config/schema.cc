// Every key, its type, its bounds and one sentence about it. A new key is one line here and one member in config.h.
#include "config/schema.h"

#include "config/protocol_keys.h"
#include "config/schema_parts.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::config {

namespace {

void describe_server(Visitor& v, Config& config) {
  Startup& x = config.startup;
  v.text({"hostname", "Name in greetings; default: the machine's"}, config.live.hostname);
  v.text({"zone",
          "Where this instance stands: backends of the same zone are preferred, in private shards, too; default: zones "
          "do not matter"},
         config.live.zone);
  v.count({"workers", "Event loops, one thread each; \"auto\": one per core"}, x.workers, {1, 1024, true});
  v.text({"user", "Unprivileged user to become after binding the ports; default: stay"}, x.user);
  v.text({"group", "Group to become; default: the user's"}, x.group);
  v.count({"lookup_threads", "Threads for directory look-ups"}, x.lookup_threads, {1, 256});
  v.count({"password_threads", "Threads for password hashing; \"auto\": one per core"}, x.password_threads,
          {1, 256, true});
  v.count({"queue_max", "Waiting jobs per kind of thread and rank; beyond it clients are told to try later"},
          x.queue_max, {1, 1'000'000});
  v.flag({"watch", "Take over a configuration that changes on disk by itself, as with SIGHUP"}, config.live.watch);
  Leaving& leaving = config.live.leaving;
  v.duration({"shutdown_delay",
              "At the end: how long clients are still accepted after /readyz says 503, so that "
              "balancers notice"},
             leaving.shutdown_delay_ms, true);
  v.duration({"drain_time", "And then: how long sessions may end by themselves; they are let go spread over it"},
             leaving.drain_time_ms, true);
  v.duration(
      {"remove_time",
       "Sessions of a backend that a new configuration has no more are let go spread over this, if its on_remove "
       "was \"drain\""},
      leaving.remove_time_ms, true);
  v.duration(
      {"lost_spread", "Clients whose backend died are let go spread over this, if they are many; 0: all in one burst"},
      leaving.lost_spread_ms, true);
  v.duration({"upgrade_timeout", "For a successor of this process (SIGUSR2, `ctl upgrade`) to start and serve"},
             leaving.upgrade_timeout_ms);
  v.duration({"upgrade_drain_time",
              "And then: how long sessions may stay with the old program; they are let go spread over it"},
             leaving.upgrade_drain_time_ms, true);
  v.count({"affinity_users_max", "Users whose backends are remembered at most, over all pools with affinity"},
          x.affinity_users_max, {1000, 100'000'000});
  v.path({"state_file", "Where `ctl backend NAME drain` and the like survive a restart; default: nowhere"},
         x.state_file);
}

// Those of RFC 5424 6.2.1 that programs may use.
const std::vector<Choice>& facilities() {
  static const std::vector<Choice> all = {
      {"user", 1},    {"mail", 2},    {"daemon", 3},  {"auth", 4},    {"authpriv", 10}, {"local0", 16}, {"local1", 17},
      {"local2", 18}, {"local3", 19}, {"local4", 20}, {"local5", 21}, {"local6", 22},   {"local7", 23}};
  return all;
}

void describe_log_sample(Visitor& v, LogSample& x) {
  v.text({"listener", "Sessions through it, by its name; default: any"}, x.listener);
  v.text({"user", "Of these users: a name, \"*@\" and a domain, or \"*\"; default: any"}, x.user);
  v.texts({"networks", "Of clients in these networks; default: any"}, x.networks);
  v.weight({"keep", "Share of them that is logged, from 0.001 to 1; 0: none (required)"}, x.keep, true);
}

void describe_log(Visitor& v, Log& x) {
  v.choice({"format", "Lines for people or for machines"}, x.format,
           {{"text", static_cast<int>(Log::Format::text)},
            {"json", static_cast<int>(Log::Format::json)},
            {"logfmt", static_cast<int>(Log::Format::logfmt)}});
  v.choice({"level", "What is worth a line"}, x.level,
           {{"debug", static_cast<int>(Log::Level::debug)},
            {"info", static_cast<int>(Log::Level::info)},
            {"warning", static_cast<int>(Log::Level::warning)},
            {"error", static_cast<int>(Log::Level::error)}});
  v.path({"file", "Where to write; default: standard error"}, x.file);
  v.choice({"priorities", "Begin each line with systemd's \"<N>\"; \"auto\": if standard error leads to the journal"},
           x.priorities,
           {{"auto", static_cast<int>(Log::Priorities::automatic)},
            {"always", static_cast<int>(Log::Priorities::always)},
            {"never", static_cast<int>(Log::Priorities::never)}});
  v.count({"stranger_lines_per_s",
           "Lines a second about clients that have not logged in; those beyond are not written, but counted and told"},
          x.stranger_lines_per_s, {1, 1'000'000});
  v.choice({"target",
            "Where lines go: \"stream\": to file, or standard error; \"journal\": to journald, with fields; "
            "\"syslog\": to a syslog server, by RFC 5424"},
           x.target,
           {{"stream", static_cast<int>(Log::Target::stream)},
            {"journal", static_cast<int>(Log::Target::journal)},
            {"syslog", static_cast<int>(Log::Target::syslog)}});
  v.text({"identifier", "The program's name in the journal and in syslog"}, x.identifier);
  v.choice({"facility", "Its facility there"}, x.facility, facilities());
  v.path({"journal_socket", "Where journald listens"}, x.journal_socket);
  v.text({"syslog_server", "Where syslog listens: a socket's path, or udp:ADDRESS:PORT"}, x.syslog_server);
  v.text({"structured_data",
          "Name of the element with our fields in syslog lines, with your enterprise number behind "
          "the \"@\"; \"\": no such element"},
         x.structured_data);
  v.list(
      {"sample",
       "Sessions of which only some leave their lines; the first that matches decides. Refusals, the sessions that had "
       "one, warnings and errors are always logged, and all at level \"debug\""},
      x.samples, describe_log_sample);
}

void describe_token(Visitor& v, ApiToken& x) {
  v.text({"name", "Whose it is, for the log (required)"}, x.name);
  v.choice({"role", "Only look, or use the verbs that change something, too"}, x.role,
           {{"read", static_cast<int>(ApiToken::Role::read)}, {"operate", static_cast<int>(ApiToken::Role::operate)}});
  v.secret({"token", "At least 20 characters that nobody can guess (one of the three is required)"}, x.token);
}

void describe_admin(Visitor& v, Config& config) {
  Admin& x = config.startup.admin;
  v.endpoint({"address", "Where metrics and health are served (no authentication: keep it private)"}, x.address);
  v.path({"socket", "Unix socket for `postigo ctl`; for root, and the server's user and group"}, x.socket);
  v.endpoint({"api_address", "Where the API of `postigo ctl` is served on TCP, by tokens; default: nowhere"},
             x.api_address);
  v.flag({"api_plaintext", "Allow api_address to be no loopback address: tokens then cross the network in the clear"},
         x.api_plaintext);
  v.path({"trace_folder", "Folder for what `ctl trace` writes: mail of users; default: nowhere"},
         config.live.trace_folder);
  v.path({"hook_folder", "Folder of the programs that `ctl flush --hook` may run; default: none"},
         config.live.hook_folder);
  v.list({"token", "Who may use the API on api_address"}, config.live.tokens, describe_token);
}

void describe_limit_class(Visitor& v, LimitClass& x) {
  v.text({"name", "Users to whom a directory gives it: their `class`"}, x.name);
  v.text({"user", "This user"}, x.user);
  v.text({"domain", "Users whose name has this behind the last @"}, x.domain);
  v.text({"pool", "Users of this pool"}, x.pool);
  v.count({"sessions_per_user", "Sessions that one of them may have; 0: as many as he likes"}, x.sessions_per_user,
          {0, 10'000'000});
  v.count({"sessions_per_user_address", "Sessions that one of them may have from one address; 0: as many as he likes"},
          x.sessions_per_user_address, {0, 10'000'000});
}

void describe_session_limits(Visitor& v, Limits& x) {
  const Range kCount{0, 10'000'000};
  v.count({"sessions_per_user", "Sessions that a user may have; 0: as many as he likes"}, x.sessions_per_user, kCount);
  v.count({"sessions_per_user_address", "Sessions that a user may have from one address; 0: as many as he likes"},
          x.sessions_per_user_address, kCount);
  v.count({"sessions_per_address", "Sessions from one address, logged in or not; 0: no limit"}, x.sessions_per_address,
          kCount);
  v.count({"sessions_per_network", "Sessions from one network, logged in or not; 0: no limit"}, x.sessions_per_network,
          kCount);
  v.count({"connections_per_s", "New connections in a second through one listener; 0: no limit"}, x.connections_per_s,
          kCount);
  v.count({"address_connections_per_s", "New connections in a second from one address; 0: no limit"},
          x.address_connections_per_s, kCount);
  v.count({"handshakes_per_s", "TLS handshakes in a second through one listener; 0: no limit"}, x.handshakes_per_s,
          kCount);
  v.count({"logins_per_s", "Attempts to log in in a second through one listener; 0: no limit"}, x.logins_per_s, kCount);
  v.count({"address_logins_per_s", "Attempts to log in in a second from one address; 0: no limit"},
          x.address_logins_per_s, kCount);
  v.count({"ipv6_address", "Bits of an IPv6 address that are one address"}, x.ipv6_address, {16, 128});
  v.count({"ipv4_network", "Bits of an IPv4 address that are one network"}, x.ipv4_network, {8, 32});
  v.count({"ipv6_network", "Bits of an IPv6 address that are one network"}, x.ipv6_network, {8, 128});
  v.texts({"exempt", "Networks whose addresses have no limits, but sessions_per_user: webmail servers; default: none"},
          x.exempt);
  v.list(
      {"class", "Users who have other limits; the first that matches decides, and what it does not write has no limit"},
      x.classes, describe_limit_class);
}

void describe_limits(Visitor& v, Limits& x) {
  v.count({"sessions_max", "Sessions at a time; \"auto\": what the descriptor limit allows"}, x.sessions_max,
          {1, 10'000'000, true});
  v.duration({"proxy_header_timeout", "For the PROXY header of a trusted peer"}, x.proxy_header_timeout_ms);
  v.duration({"tls_handshake_timeout", "For the client's TLS handshake"}, x.tls_handshake_timeout_ms);
  v.duration({"login_timeout", "From accept until logged in"}, x.login_timeout_ms);
  v.duration({"lookup_timeout", "For one directory look-up"}, x.lookup_timeout_ms);
  v.duration({"backend_connect_timeout", "For connecting to a backend"}, x.backend_connect_timeout_ms);
  v.duration({"backend_login_timeout", "For TLS and login at a backend"}, x.backend_login_timeout_ms);
  for (const Protocol& each : protocols()) {
    std::string doc = "Silence after login, both directions; at least " + format_duration(each.idle_timeout_min_ms) +
                      " (" + std::string(each.idle_rfc) + ")";
    v.duration({idle_timeout_key(each), doc.c_str()}, x.idle_timeout_ms[each.name]);
  }
  v.duration({"auth_failure_delay", "A refused login is answered no earlier than this"}, x.auth_failure_delay_ms, true);
  v.duration({"move_delay",
              "A backend whose user is moved away has so long to finish before he is let in elsewhere; a login waits "
              "for half a minute at most"},
             x.move_delay_ms, true);
  v.duration({"half_close_timeout", "Silence after one side has ended, until the other one is ended too"},
             x.half_close_timeout_ms);
  v.duration(
      {"close_timeout", "For flushing the last octets to a slow peer that takes none; at most 1m if it takes some"},
      x.close_timeout_ms);
  v.size({"login_memory", "Octets that all sessions together may hold before they are logged in"}, x.login_memory);
  v.count(
      {"backend_logins_start",
       "Logins under way at one backend right after the start; one more with each that succeeds; others wait a little"},
      x.backend_logins_start, {1, 1'000'000});
  v.count({"backend_logins_max",
           "Logins under way at one backend; \"auto\": half of the sessions that are not logged in yet"},
          x.backend_logins_max, {1, 10'000'000, true});
  v.size({"memory",
          "Octets that sessions and their buffers may have; from three quarters on relays are held back, at it new "
          "clients are told to come again; \"auto\": half of the machine's or the control group's"},
         x.memory, true);
  v.size({"relay_high_water", "Unsent octets per direction at which the other side is paused"}, x.relay_high_water);
  describe_session_limits(v, x);
}

void describe_penalty(Visitor& v, Config& config) {
  Penalty& x = config.live.penalty;
  v.flag({"enabled", "Let those wait who guess passwords"}, x.enabled);
  v.count({"free", "Failed logins of an address without consequences"}, x.free, {1, 10'000});
  v.duration({"delay", "Between two attempts behind them; it doubles with each failure more"}, x.delay_ms);
  v.duration({"delay_max", "And is never longer; who would have to wait longer is refused at once"}, x.delay_max_ms);
  v.duration({"forget", "After this time one failure of an address is forgotten"}, x.forget_ms);
  v.count({"parallel", "Attempts of an address that may be under way; others wait for them"}, x.parallel, {1, 100'000});
  v.count({"ipv4", "Bits of an IPv4 address that are one address"}, x.ipv4, {8, 32});
  v.count({"ipv6", "Bits of an IPv6 address that are one address"}, x.ipv6, {16, 128});
  v.count({"ipv4_wide", "Bits of a wider IPv4 network that is counted, too; 0: none"}, x.ipv4_wide, {0, 31});
  v.count({"ipv6_wide", "Bits of a wider IPv6 network that is counted, too; 0: none"}, x.ipv6_wide, {0, 127});
  v.count({"wide_share", "A wider network may fail as much as so many addresses"}, x.wide_share, {1, 10'000});
  v.count({"user_free", "Failed logins of a user, from wherever, without consequences"}, x.user_free, {1, 10'000});
  v.duration({"user_delay_max", "Behind them each attempt waits, but never longer; nobody is refused for it"},
             x.user_delay_max_ms, true);
  v.duration({"known",
              "Who has logged in from an address since the process began is not held back there by others, for this "
              "time; of each user four addresses"},
             x.known_ms, true);
  v.texts({"exempt",
           "Networks that are not counted: webmail servers, balancers that hide their clients; a list replaces the "
           "default, which is 127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7 and fe80::/10"},
          x.exempt);
  v.count({"entries",
           "Addresses, networks, users, and users who are known somewhere, that are remembered, of each so many"},
          config.startup.penalty_entries, {1'000, 10'000'000});
}

void describe_policy(Visitor& v, Policy& x) {
  v.text(
      {"url", "Where weakforced, or what speaks its protocol, is asked about logins: http or https; default: nowhere"},
      x.url);
  v.text({"user", "For HTTP's Basic authentication"}, x.user);
  v.secret({"password", "For HTTP's Basic authentication; default: none"}, x.password);
  v.duration({"timeout", "For an answer"}, x.timeout_ms);
  v.count({"connections_max", "Connections of each worker"}, x.connections_max, {1, 1024});
  v.choice(
      {"on_failure", "Without an answer: logins are let in, or told to come again"}, x.on_failure,
      {{"open", static_cast<int>(Policy::OnFailure::open)}, {"closed", static_cast<int>(Policy::OnFailure::closed)}});
  v.flag({"before", "Ask before a directory is asked"}, x.before);
  v.flag({"after", "Ask again when a directory has found the password right"}, x.after);
  v.flag({"report", "Tell what became of attempts"}, x.report);
  v.flag({"pwhash", "Tell some bits of a salted hash of the password, so that equal guesses are seen"}, x.pwhash);
  v.secret({"pwhash_nonce", "The salt; the same for all that ask that server"}, x.pwhash_nonce);
  v.count({"pwhash_bits", "How many bits"}, x.pwhash_bits, {1, 32});
}

void describe_resolver(Visitor& v, Resolver& x) {
  v.endpoints({"servers", "Addresses of name servers, \":53\" may be left out; default: those of /etc/resolv.conf"},
              x.servers, 53);
  v.duration({"timeout", "For the first try at a server; it doubles each time that all servers were asked"},
             x.timeout_ms);
  v.count({"tries", "How often each server is asked"}, x.tries, {1, 10});
  v.duration({"ttl_min", "An answer is good for its TTL, but at least so long"}, x.ttl_min_ms);
  v.duration({"ttl_max", "And at most so long"}, x.ttl_max_ms);
  v.duration({"failure_ttl", "A name that cannot be resolved is not asked for again so long"}, x.failure_ttl_ms);
  v.duration({"refresh_ttl", "Behind its time an answer serves at once so long, while a new one is asked for"},
             x.refresh_ttl_ms, true);
  v.duration({"stale_ttl", "Behind its time an answer serves so long if no server has another one (RFC 8767)"},
             x.stale_ttl_ms, true);
}

void describe_listener(Visitor& v, Listener& x) {
  v.text({"name", "Label in logs and metrics; default: the protocol, with \"s\" for implicit TLS"}, x.name);
  v.word({"protocol", "What is spoken here (required)"}, x.protocol, protocol_names());
  v.endpoints({"address", "One address and port or an array of them (required)"}, x.addresses);
  v.choice({"tls", "Default: \"starttls\" on ports 143 and 110, else \"implicit\""}, x.tls, tls_modes());
  v.flag({"plaintext_login", "Accept passwords without TLS"}, x.plaintext_login);
  v.choice(
      {"proxy_protocol", "Whether balancers in proxy_trusted may, or must, tell the client's address first (v1, v2)"},
      x.proxy_protocol,
      {{"off", static_cast<int>(ProxyHeaders::off)},
       {"accept", static_cast<int>(ProxyHeaders::accept)},
       {"require", static_cast<int>(ProxyHeaders::require)}});
  v.texts({"proxy_trusted",
           "Networks of balancers and proxies that are believed: PROXY headers, and how many hops a login has left"},
          x.proxy_trusted);
  v.texts({"forward_trusted",
           "Networks of mail proxies that name their client, and fields for the backend's passdb, in ID or XCLIENT"},
          x.forward_trusted);
  v.count({"sessions_max", "Sessions that may have come through it; 0: as many as limits.sessions_max allows"},
          x.sessions_max, {0, 10'000'000});
  v.choice({"client_certificate",
            "Ask clients for a certificate of their own (tls.client_ca), for EXTERNAL, or refuse those without one"},
           x.client_certificate,
           {{"off", static_cast<int>(ClientCertificate::off)},
            {"ask", static_cast<int>(ClientCertificate::ask)},
            {"require", static_cast<int>(ClientCertificate::require)}});
}

void describe_certificate(Visitor& v, Certificate& x) {
  v.path({"certificate", "PEM file, leaf first, then the chain (required)"}, x.certificate_file);
  v.path({"key", "PEM file; default: the certificate's file holds both"}, x.key_file);
  v.texts({"names", "Server names (SNI) to serve it for, \"*.example.com\" allowed; default: those in it"}, x.names);
}

void describe_tls(Visitor& v, TlsServer& x) {
  v.choice({"min_version", "Oldest TLS version for clients"}, x.min_version, tls_versions());
  v.text({"ciphers", "TLS 1.2 suites in OpenSSL's language; default: modern ones"}, x.ciphers);
  v.flag({"session_tickets", "Let clients resume sessions"}, x.session_tickets);
  v.duration({"ticket_rotation", "A new ticket key this often; a key serves for two periods"}, x.ticket_rotation_ms);
  v.path({"client_ca", "PEM file with the authorities that may vouch for certificates of clients"}, x.client_ca_file);
  v.path({"client_crl", "PEM file with their lists of what is revoked; each authority needs one then"},
         x.client_crl_file);
  v.choice({"client_name", "Which part of such a certificate is the user's name; without it, it is nobody's"},
           x.client_name,
           {{"san_email", static_cast<int>(CertificateName::san_email)},
            {"san_dns", static_cast<int>(CertificateName::san_dns)},
            {"subject_cn", static_cast<int>(CertificateName::subject_cn)},
            {"subject_email", static_cast<int>(CertificateName::subject_email)},
            {"subject_uid", static_cast<int>(CertificateName::subject_uid)}});
  v.list({"certificate", "One per name and key type; the first is served when no name matches"}, x.certificates,
         describe_certificate);
}

void describe_rule(Visitor& v, Rule& x) {
  v.text({"user", "Whole user name"}, x.user);
  v.text({"domain", "What stands behind the last @"}, x.domain);
  v.text({"regex", "RE2 expression for the whole user name"}, x.regex);
  v.text({"pool", "Where matching users live; default: the default pool"}, x.pool);
  v.text({"shard", "Shard of that pool; default: by hash"}, x.shard);
}

void describe_routing(Visitor& v, Routing& x) {
  v.text({"default_pool", "Pool of users that nothing else places; default: the first pool"}, x.default_pool);
  v.text({"default_domain", "Appended to user names without @; default: leave them"}, x.default_domain);
  v.flag({"lowercase", "User names are case-insensitive"}, x.lowercase);
  v.list({"rule", "Exactly one of user, domain and regex; the first match decides"}, x.rules, describe_rule);
}

void describe_backend_login(Visitor& v, BackendLogin& x) {
  v.choice({"mode", "With the client's credentials, or as a master user by SASL authzid or by a separator"}, x.mode,
           {{"credentials", static_cast<int>(BackendLogin::Mode::credentials)},
            {"master_authzid", static_cast<int>(BackendLogin::Mode::master_authzid)},
            {"master_separator", static_cast<int>(BackendLogin::Mode::master_separator)}});
  v.text({"master_user", "Name of the master user"}, x.master_user);
  v.secret({"master_password", "Password of the master user"}, x.master_password);
  v.text({"separator", "Between user and master user in mode \"master_separator\""}, x.separator);
}

void describe_impersonation(Visitor& v, Impersonation& x) {
  v.text({"who", "A user, \"*@example.com\" or \"*\" (required)"}, x.who);
  v.text({"whom", "Whom he may act as, written the same way (required)"}, x.whom);
}

std::vector<std::string> known_mechanisms() {
  std::vector<std::string> names;
  for (const sasl::Mechanism& row : sasl::mechanisms()) names.emplace_back(row.name);
  return names;
}

void describe_auth(Visitor& v, Auth& x) {
  v.words({"mechanisms", "SASL mechanisms to offer, and APOP; what shows a password is offered behind TLS only"},
          x.mechanisms, known_mechanisms());
  v.text({"anonymous_user", "Whom ANONYMOUS lets in as"}, x.anonymous_user);
  v.flag({"accept_unknown", "Route names that no directory knows by hash and let the backend decide"},
         x.accept_unknown);
  v.table({"backend_login", "How to log in to backends"}, x.backend_login, describe_backend_login);
  v.list({"impersonation", "Who may act as whom (SASL's authorization identity)"}, x.impersonation,
         describe_impersonation);
}

struct OfOneProtocol {
  const Protocol& protocol;
  Capabilities& x;
};

void describe_one_protocol(Visitor& v, OfOneProtocol& of) {
  Capabilities& x = of.x;
  v.words({"hide", "Never shown to clients"}, x.hide, {});
  v.words({"add", "Shown even if the backend does not list it"}, x.add, {});
  if (of.protocol.lists_before_login) {
    v.words(
        {"before_login", "Shown before login too: for clients that never ask again; name only what every backend has"},
        x.before_login, {});
  }
  if (of.protocol.compresses) {
    v.flag({"allow_compress", "Let COMPRESS=DEFLATE pass; such sessions are then relayed unseen"}, x.allow_compress);
  }
}

void describe_capabilities(Visitor& v, Live& x) {
  for (const Protocol& each : protocols()) {
    const std::string name(each.name), doc = upper(name);
    OfOneProtocol of{each, x.capabilities[name]};
    v.table({name.c_str(), doc.c_str()}, of, describe_one_protocol);
  }
}

void describe_lookup(Visitor& v, Lookup& x) {
  v.text({"socketmap",
          "Where Postfix asks where mail for a user belongs (socketmap_table(5)): an address and a port, or a path "
          "(not for a Postfix in a chroot); default: nowhere"},
         x.socketmap);
  v.texts({"domains",
           "Domains whose addresses are answered for; default: all if directories know the users, else "
           "routing.default_domain alone"},
          x.domains);
  v.text({"delimiter", "user+extension@domain is user@domain; \"\": extensions are part of the name"}, x.delimiter);
  v.flag({"strip_domain", "User names have no domain: user@domain is user"}, x.strip_domain);
  v.duration({"timeout", "For an answer; then it is that it takes too long"}, x.timeout_ms);
  v.count({"connections_max", "Connections at a time; beyond, the one that was silent for longest goes"},
          x.connections_max, {1, 10000});
}

}  // namespace

void describe(Visitor& v, Config& x) {
  v.table({"server", "The process"}, x, describe_server);
  v.table({"log", "The log"}, x.live.log, describe_log);
  v.optional({"admin", "Metrics and health over HTTP; on if this table is there"}, x.startup.admin.enabled, x,
             describe_admin);
  v.table({"limits", "Times and amounts"}, x.live.limits, describe_limits);
  v.table({"penalty", "Who guesses passwords waits"}, x, describe_penalty);
  v.table({"policy", "A server that says of each login whether it may be"}, x.live.policy, describe_policy);
  v.table({"resolver", "Names of backends to addresses: /etc/hosts, then name servers"}, x.live.resolver,
          describe_resolver);
  v.table({"health", "How backends are watched, and when one is down"}, x.live.health, describe_health);
  v.table({"ready", "Connections to backends that are made before somebody logs in"}, x.live.ready, describe_ready);
  v.list({"listener", "Where clients connect"}, x.live.listeners, describe_listener);
  v.table({"tls", "TLS towards clients"}, x.live.tls, describe_tls);
  Backend usual;
  usual.health = x.live.health;
  usual.ready = x.live.ready;
  v.list({"backend", "The mail servers"}, x.live.backends, describe_backend, usual);
  v.list({"pool", "Shards that share users by hash; default: one pool of all backends"}, x.live.pools, describe_pool);
  v.table({"names", "What the name of a login becomes before anybody is asked"}, x.live.names, describe_names);
  v.table({"routing", "Which user lives where"}, x.live.routing, describe_routing);
  v.table({"lookup", "Where other programs learn at which backend a user's mail belongs"}, x.startup.lookup,
          describe_lookup);
  v.table({"auth", "Who may log in"}, x.live.auth, describe_auth);
  v.list({"directory", "Who the users are, asked in order; none: every name is routed and the backend decides"},
         x.live.auth.directories, describe_directory);
  v.table({"capabilities", "What clients are told that they may do"}, x.live, describe_capabilities);
}

}  // namespace postigo::config
