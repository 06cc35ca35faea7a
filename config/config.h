// The configuration as plain, checked, immutable values. Made by load.h, read by everybody.
//
// Two halves by type: Startup changes only by restart; Live may be exchanged while sessions run. Nothing in here points
// into the file that it came from. Secrets are Secret. Durations are in milliseconds, sizes in octets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/directory.h"
#include "config/kept_secret.h"
#include "parser/by_protocol.h"

namespace postigo::config {

// An address to listen on or to connect to; host is a literal or a name, IPv6 without brackets.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

enum class Tls { off, starttls, implicit };

// The PROXY protocol from clients: may, or must, a trusted peer say whom it speaks for?
enum class ProxyHeaders { off, accept, require };

// Whether clients are asked for a certificate of their own when TLS begins, and let in without one.
enum class ClientCertificate { off, ask, require };

// Which part of it is the user's name.
enum class CertificateName { san_email, san_dns, subject_cn, subject_email, subject_uid };

// And towards backends: which version says whom we speak for.
enum class SendProxyHeader { off, v1, v2 };

struct Listener {
  std::string name;      // unique; label in logs and metrics; default "<protocol>[s]"
  std::string protocol;  // "imap" or "pop3"
  std::vector<Endpoint> addresses;
  Tls tls = Tls::implicit;
  bool plaintext_login = false;  // allow LOGIN/PLAIN without TLS (default: only with TLS)
  ProxyHeaders proxy_protocol = ProxyHeaders::off;
  std::vector<std::string> proxy_trusted;    // networks (network.h) of balancers and proxies that are believed
  std::vector<std::string> forward_trusted;  // of proxies that say themselves, in the dialogue, for whom they speak
  uint64_t sessions_max = 0;                 // at a time; 0: as many as limits.sessions_max allows
  ClientCertificate client_certificate = ClientCertificate::off;
};

struct Admin {
  bool enabled = false;
  Endpoint address;            // default 127.0.0.1:9090
  std::string socket;          // of the admin API; empty: none
  Endpoint api_address;        // of the admin API on TCP; port 0: none
  bool api_plaintext = false;  // also where others could listen: not on a loopback address
};

// Who may use the admin API on TCP.
struct ApiToken {
  enum class Role { read, operate };
  std::string name;  // in the log
  Role role = Role::read;
  KeptSecret token;
};

// Sessions of which only some leave their lines. What is set must be the session's.
struct LogSample {
  std::string listener, user;         // `user`: a name, "*@" and a domain, or "*"
  std::vector<std::string> networks;  // of clients
  double keep = 1;                    // share of the sessions that are logged
  bool operator==(const LogSample&) const = default;
};

struct Log {
  enum class Format { text, json, logfmt };
  enum class Target { stream, journal, syslog };
  enum class Level { debug, info, warning, error };
  enum class Priorities { automatic, always, never };
  Format format = Format::text;
  Level level = Level::info;
  std::string file;                               // empty: standard error
  Priorities priorities = Priorities::automatic;  // "<N>" before each line
  unsigned stranger_lines_per_s = 1000;           // about clients that are not logged in
  Target target = Target::stream;                 // `file`, or standard error
  std::string identifier = "postigo";             // what the journal and syslog call us
  unsigned facility = 2;                          // RFC 5424 6.2.1: mail
  std::string journal_socket = "/run/systemd/journal/socket";
  std::string syslog_server = "/dev/log";         // a socket's path, or udp:ADDRESS:PORT
  std::string structured_data = "postigo@32473";  // SD-ID of our fields; empty: none
  std::vector<LogSample> samples;                 // the first that matches decides
  bool operator==(const Log&) const = default;
};

// Where other programs ask at which backend a user's mail belongs: Postfix' socketmap protocol.
struct Lookup {
  std::string socketmap;             // a path, or an address and port; empty: nowhere
  std::vector<std::string> domains;  // whose addresses are answered for
  std::string delimiter = "+";       // user+extension@domain is user@domain; empty: extensions are part of the name
  bool strip_domain = false;         // user names have no domain: user@domain is user
  uint64_t timeout_ms = 10'000;      // for each answer
  unsigned connections_max = 200;
};

struct Startup {
  unsigned workers = 0;                     // 0: "auto", one per core
  std::string user, group;                  // to become after binding; empty: stay
  unsigned lookup_threads = 4;              // directory look-ups
  unsigned password_threads = 0;            // password hashing; 0: one per core
  unsigned queue_max = 1024;                // waiting jobs per pool and rank; beyond: "try later"
  uint64_t affinity_users_max = 1'000'000;  // users whose backends are remembered (Pool::affinity)
  unsigned penalty_entries = 100'000;       // of addresses, of networks and of users that are remembered, each
  std::string state_file;                   // what operators decided, for the next start; empty: it is forgotten
  Admin admin;
  Lookup lookup;
};

// What users of one kind may have instead of the rest.
struct LimitClass {
  std::string user, domain, pool;  // what is set must be the user's; at least one is, or the name
  uint64_t sessions_per_user = 0, sessions_per_user_address = 0;
  std::string name = {};  // by which a directory gives it to a user
};

// As their rows say.
ByProtocol<uint64_t> usual_idle_timeout_ms();

struct Limits {
  uint64_t sessions_max = 0;                 // 0: what the descriptor limit allows
  uint64_t proxy_header_timeout_ms = 3'000;  // from accept to the end of the PROXY header
  uint64_t tls_handshake_timeout_ms = 10'000;
  uint64_t login_timeout_ms = 60'000;  // from accept to logged in
  uint64_t lookup_timeout_ms = 5'000;
  uint64_t backend_connect_timeout_ms = 3'000;
  uint64_t backend_login_timeout_ms = 10'000;  // TLS and dialogue together
  ByProtocol<uint64_t> idle_timeout_ms = usual_idle_timeout_ms();
  uint64_t auth_failure_delay_ms = 2'000;    // a refusal is never told earlier than this after the attempt
  uint64_t move_delay_ms = 2'000;            // from the end of a user's sessions until he is let in elsewhere (T65)
  uint64_t half_close_timeout_ms = 60'000;   // silence after one side has ended, until the other one is too (T58)
  uint64_t close_timeout_ms = 5'000;         // to flush the last bytes to a slow peer
  uint64_t login_memory = 32 * 1024 * 1024;  // octets that all sessions may hold together before they are logged in
  uint64_t backend_logins_start = 64;        // logins under way at one backend right after the start
  uint64_t backend_logins_max = 0;           // logins under way at one backend; 0: half of what relays leave free
  uint64_t memory = 0;                       // octets for sessions and buffers; 0: half of what the machine has
  uint64_t relay_high_water = 256 * 1024;    // unsent octets per direction at which the other side is paused

  // Of sessions, over all listeners; 0: none.
  uint64_t sessions_per_user = 0, sessions_per_user_address = 0, sessions_per_address = 0, sessions_per_network = 0;
  // In a second; 0: none. Without "address_": through one listener.
  uint64_t connections_per_s = 0, address_connections_per_s = 0, handshakes_per_s = 0;
  uint64_t logins_per_s = 0, address_logins_per_s = 0;
  unsigned ipv6_address = 64;                     // bits: what is one address
  unsigned ipv4_network = 24, ipv6_network = 48;  // what is one network
  std::vector<std::string> exempt;                // networks that none of these count, but a user's sessions in all
  std::vector<LimitClass> classes;                // the first that matches decides
};

// Who guesses passwords waits (backends/ledger/penalty.h).
struct Penalty {
  bool enabled = true;
  unsigned free = 10;                         // failures of an address without consequences
  uint64_t delay_ms = 1'000;                  // behind them; it doubles with each failure more
  uint64_t delay_max_ms = 15'000;             // and is never longer; who would wait longer is refused
  uint64_t forget_ms = 30'000;                // one failure of an address is forgotten
  unsigned parallel = 32;                     // attempts under way from an address
  unsigned ipv4 = 32, ipv6 = 64;              // bits: what is one address
  unsigned ipv4_wide = 0;                     // bits of a wider network that counts, too; 0: none
  unsigned ipv6_wide = 48;                    // the same
  unsigned wide_share = 8;                    // it may do as much as so many addresses
  unsigned user_free = 20;                    // failures of a user from anywhere without consequences
  uint64_t user_delay_max_ms = 4'000;         // behind them; nobody is refused for it
  uint64_t known_ms = 30ULL * 24 * 3600'000;  // who logged in from an address is not held back there so long
  // Networks that are not counted: webmail, balancers that hide their clients.
  std::vector<std::string> exempt = {"127.0.0.0/8",    "::1",      "10.0.0.0/8", "172.16.0.0/12",
                                     "192.168.0.0/16", "fc00::/7", "fe80::/10"};
};

// A server that is asked about each login, in weakforced's protocol.
struct Policy {
  enum class OnFailure { open, closed };
  std::string url;                         // empty: none is asked
  std::string user = "wforce";             // for HTTP's Basic authentication
  KeptSecret password;                     // empty: without authentication
  uint64_t timeout_ms = 2'000;             // for an answer
  unsigned connections_max = 16;           // of each worker
  OnFailure on_failure = OnFailure::open;  // without an answer: let in, or told to come again
  bool before = true, after = true;        // whether it is asked before a directory, and after one
  bool report = true;                      // whether it is told what became of an attempt
  bool pwhash = false;                     // whether it is told some bits of a hash of the password
  KeptSecret pwhash_nonce;
  unsigned pwhash_bits = 12;
  bool operator==(const Policy&) const = default;
};

// Names of backends to addresses.
struct Resolver {
  std::vector<Endpoint> servers;  // addresses of name servers; empty: those of /etc/resolv.conf
  uint64_t timeout_ms = 1'000;    // for the first try at a server; it doubles each time that all were asked
  unsigned tries = 3;             // at each server
  uint64_t ttl_min_ms = 1'000;    // bounds of what an answer says of itself
  uint64_t ttl_max_ms = 3600'000;
  uint64_t failure_ttl_ms = 5'000;   // a failure is remembered so long (RFC 9520)
  uint64_t refresh_ttl_ms = 30'000;  // behind its time an answer serves at once so long, while a new one is asked for
  uint64_t stale_ttl_ms = 24 * 3600'000;  // and if no server answers so long (RFC 8767)
  bool operator==(const Resolver&) const = default;
};

struct Certificate {
  std::string certificate_file;    // PEM, leaf first, then the chain
  std::string key_file;            // PEM
  std::vector<std::string> names;  // SNI names, "*.example.com" allowed; default: those in the certificate
  bool operator==(const Certificate&) const = default;
};

struct TlsServer {
  std::vector<Certificate> certificates;  // the first one is served when no name matches; RSA and ECDSA may share names
  uint16_t min_version = 0x0303;          // 0x0303 TLS 1.2, 0x0304 TLS 1.3
  std::string ciphers;                    // TLS 1.2 suites in OpenSSL's language; empty: a safe default
  bool session_tickets = true;
  uint64_t ticket_rotation_ms = 3600'000;  // new key this often; a key opens tickets for two periods
  std::string client_ca_file;              // PEM: who may vouch for certificates of clients
  std::string client_crl_file;             // PEM: which of them are revoked; empty: none
  CertificateName client_name = CertificateName::san_email;
  bool operator==(const TlsServer&) const = default;
};

// How a backend is watched, and what makes it down. What real logins meet counts as well as probes.
struct Health {
  // How far a probe goes. automatic: to the greeting, and only while something is wrong.
  enum class Level { automatic, off, connect, tls, greeting, login };
  Level level = Level::automatic;
  bool passive = true;             // what real logins meet counts
  uint64_t interval_ms = 10'000;   // between probes
  unsigned jitter = 20;            // in a hundred of the interval, more or less
  uint64_t timeout_ms = 5'000;     // of a probe
  unsigned rise = 2, fall = 3;     // successes, failures in a row
  uint64_t silence_ms = 2'000;     // after which no greeting is a failure
  uint64_t retry_min_ms = 1'000;   // between trials of one that is down; doubles
  uint64_t retry_max_ms = 10'000;  // up to this
  uint64_t slow_start_ms = 30'000;
  std::string user;  // of level login
  KeptSecret password;
};

// Connections to a backend on which all is done but the login; of each protocol, all workers together.
struct Ready {
  unsigned min = 0;           // also where nobody logs in
  unsigned max = 0;           // 0: none
  uint64_t idle_ms = 60'000;  // how long one waits for a login, and a backend for the next one before there is none
};

struct TlsClient {
  Tls mode = Tls::off;
  std::string ca_file;                     // empty: the system's roots
  bool verify = true;                      // chain and name
  std::string name;                        // expected in the certificate; empty: the backend's host
  std::string certificate_file, key_file;  // optional client certificate
  uint16_t min_version = 0x0303;
  std::string ciphers;
};

// What becomes of a backend's sessions when a new configuration has it no more.
enum class OnRemove {
  keep,   // they go on until they end
  drain,  // they are let go over Leaving::remove_time_ms
};

struct Backend {
  std::string name;
  std::string host;
  std::vector<std::string> srv;  // instead of host and ports: one backend at each target of these records (srv.h)
  ByProtocol<uint16_t> ports;    // 0: does not serve it
  uint16_t lmtp_port = 24;       // for those who ask where mail of a user belongs (Lookup)
  TlsClient tls;
  OnRemove on_remove = OnRemove::keep;
  SendProxyHeader proxy_protocol = SendProxyHeader::off;  // the first octets of each connection
  std::vector<std::string> source;  // addresses of this machine to connect from, in turn; empty: the kernel chooses
  bool trusted = false;             // the backend trusts us: forward the client's address (ID, XCLIENT)
  std::string mechanism;            // how passwords are said there (parser/sasl/choose.h)
  bool forward_tokens = false;      // it checks bearer tokens itself: those of clients go on to it
  std::string zone;                 // where it stands; empty: everywhere
  Health health;                    // as [health] says, but for what stands here
  bool own_health = false;          // something does
  Ready ready;                      // as [ready] says, but for what stands here
  bool own_ready = false;
  uint64_t sessions_max = 0;   // sessions and logins under way at a time; 0: no limit
  uint64_t logins_per_s = 0;   // logins that begin in a second; 0: no limit
  uint64_t queue_max = 1'000;  // logins that wait for one of the two, at a time
  uint64_t queue_timeout_ms = 1'500;
  bool pass_alerts = false;  // its ALERTs reach the user also where TLS does not prove that they are its own (T47)

  // 0: it does not serve that protocol.
  uint16_t port(std::string_view protocol) const { return ports.of(protocol); }
};

// A weight that changes over a time, minute by minute, for every instance alike.
struct Transition {
  double weight = 0;                // at its end
  int64_t from_s = 0, until_s = 0;  // unix time; both 0: there is none
  bool operator==(const Transition&) const = default;
};

struct Shard {
  std::string name;
  double weight = 1.0;                // share of users by rendezvous hash; 0 only with a transition
  std::vector<std::string> backends;  // in order of preference; at least one
  Transition transition = {};
};

// What becomes of a user whose backend, to which his sessions bind him, cannot be reached.
enum class AffinityDown {
  failover,  // he goes to another one, unless a session of his is still there
  wait,      // he is told to try later
};

struct Pool {
  enum class Storage {
    separate,  // "private": only the backends of his shard have a user's mail
    shared,    // any backend of the pool serves any user
  };
  enum class Policy { rendezvous, least_sessions, round_robin };  // of a shared pool
  std::string name;
  std::vector<Shard> shards;  // `backends = [...]` in the file makes one shard per backend, of the same name
  bool affinity = false;      // all sessions of a user are at the same backend
  uint64_t affinity_time_ms = 15 * 60'000;  // and so long after the last one
  AffinityDown affinity_down = AffinityDown::failover;
  Storage storage = Storage::separate;
  Policy policy = Policy::rendezvous;
  uint64_t sessions_max = 0;  // at its backends, logins under way included; 0: no limit
  unsigned zone_spill = 70;   // below so many in a hundred that serve in our zone, others share the load
};

struct Rule {        // the first one that matches decides
  std::string user;  // exactly one of user, domain, regex is set; in normalised form
  std::string domain;
  std::string regex;  // RE2, whole name
  std::string pool;   // empty: the default pool
  std::string shard;  // empty: hash over the pool's shards
};

struct Routing {
  std::string default_pool;    // default: the only pool, or the first
  std::string default_domain;  // appended to names without "@"; empty: leave
  bool lowercase = true;       // normalise the whole user name
  std::vector<Rule> rules;
};

// How to log in to the backend.
struct BackendLogin {
  enum class Mode {
    credentials,       // with what the client gave us
    master_authzid,    // SASL PLAIN: authzid = user, authcid = master_user
    master_separator,  // user + separator + master_user (Dovecot's auth_master_user_separator)
  };
  Mode mode = Mode::credentials;
  std::string master_user;
  KeptSecret master_password;
  std::string separator = "*";
};

// Who may act as whom: names, "*@domain" or "*".
struct Impersonation {
  std::string who, whom;
  bool operator==(const Impersonation&) const = default;
};

struct Auth {
  std::vector<std::string> mechanisms;  // default PLAIN, LOGIN
  std::vector<Directory> directories;   // asked in order; none: every name is routed, the backend checks
  bool accept_unknown = false;          // true: a name that no directory knows is routed by hash, the backend checks
  BackendLogin backend_login;
  std::vector<Impersonation> impersonation;  // any that matches allows it; none: nobody acts as somebody else
  std::string anonymous_user;                // whom ANONYMOUS lets in as
};

struct Capabilities {
  std::vector<std::string> hide, add;
  std::vector<std::string> before_login;  // IMAP only: what every backend has, told before login already
  bool allow_compress = false;
};

// How sessions are let go.
struct Leaving {
  uint64_t shutdown_delay_ms = 0;              // at the end: listeners stay open so long after /readyz has said no
  uint64_t drain_time_ms = 0;                  // and then relays are let go over this time
  uint64_t remove_time_ms = 10 * 60'000;       // for those of a backend that is removed with on_remove = drain
  uint64_t upgrade_timeout_ms = 30'000;        // for a successor to serve
  uint64_t upgrade_drain_time_ms = 3'600'000;  // and then relays are let go over this time
  uint64_t lost_spread_ms = 2'000;             // clients of a backend that died are let go over this time
};

struct Live {
  std::string hostname;  // default: the machine's
  std::string zone;      // where we stand; empty: zones do not matter
  bool watch = false;    // the file: a change is as good as SIGHUP
  Leaving leaving;
  std::vector<ApiToken> tokens;
  std::string hook_folder;   // of programs that `ctl flush` may run; empty: none
  std::string trace_folder;  // of `ctl trace`; empty: none is written
  Log log;
  Limits limits;
  Penalty penalty;
  Policy policy;
  Resolver resolver;
  Health health;
  Ready ready;
  std::vector<Listener> listeners;
  TlsServer tls;
  std::vector<Backend> backends;
  std::vector<Pool> pools;
  NameForm names;  // complete: with what [routing] says
  Routing routing;
  Auth auth;
  ByProtocol<Capabilities> capabilities;
};

struct Config {
  Startup startup;
  Live live;
};

}  // namespace postigo::config
