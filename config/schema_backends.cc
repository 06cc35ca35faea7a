// The keys of backends, of how they are watched, and of pools. Not here: everything else (schema.cc).
#include "config/protocol_keys.h"
#include "config/schema_parts.h"
#include "parser/base/ascii.h"
#include "parser/sasl/choose.h"

namespace postigo::config {

namespace {

const Range kPort{1, 65535};

void describe_backend_tls(Visitor& v, TlsClient& x) {
  v.choice({"mode", "How to encrypt; `tls = \"implicit\"` is short for `tls = { mode = \"implicit\" }`"}, x.mode,
           tls_modes());
  v.path({"ca_file", "PEM file with the trusted authorities; default: the system's"}, x.ca_file);
  v.flag({"verify", "Check the backend's certificate and its name"}, x.verify);
  v.text({"name", "Name to expect in the certificate; default: the backend's host"}, x.name);
  v.path({"certificate", "Our own certificate for the backend, PEM"}, x.certificate_file);
  v.path({"key", "Its key, PEM; default: the certificate's file holds both"}, x.key_file);
  v.choice({"min_version", "Oldest TLS version for this backend"}, x.min_version, tls_versions());
  v.text({"ciphers", "TLS 1.2 suites in OpenSSL's language; default: modern ones"}, x.ciphers);
}

std::vector<std::string> backend_mechanisms() {
  std::vector<std::string> names = {lower(sasl::kStrongest)};
  for (const sasl::ClientMechanism& row : sasl::client_mechanisms()) {
    if (row.key != DoorKey::token) names.push_back(lower(row.name));
  }
  return names;
}

void describe_transition(Visitor& v, Transition& x) {
  v.weight({"weight", "At its end; 0: nobody lives here any more"}, x.weight, true);
  v.time({"from", "When it begins: a date and time with an offset"}, x.from_s);
  v.time({"until", "When it ends; until then the weight changes evenly, minute by minute"}, x.until_s);
}

void describe_shard(Visitor& v, Shard& x) {
  v.text({"name", "Decides who lives here: a renamed shard gets other users; default: its only backend"}, x.name);
  v.weight({"weight", "Share of the users, relative to the other shards; 0 only with a transition"}, x.weight, true);
  v.texts({"backends", "Names of backends in order of preference (required)"}, x.backends);
  bool changes = x.transition.until_s != 0;
  v.optional({"transition", "Another weight, slowly: every instance computes the same places at the same time"},
             changes, x.transition, describe_transition);
}

}  // namespace

const std::vector<Choice>& tls_modes() {
  static const std::vector<Choice> kModes = {{"off", static_cast<int>(Tls::off)},
                                             {"starttls", static_cast<int>(Tls::starttls)},
                                             {"implicit", static_cast<int>(Tls::implicit)}};
  return kModes;
}

// The words of TLS versions are the numbers of the protocol (RFC 8446 4.2.1).
const std::vector<Choice>& tls_versions() {
  static const std::vector<Choice> kVersions = {{"1.2", 0x0303}, {"1.3", 0x0304}};
  return kVersions;
}

std::string_view word_of(Tls mode) {
  for (const Choice& choice : tls_modes()) {
    if (choice.value == static_cast<int>(mode)) return choice.word;
  }
  return {};
}

void describe_health(Visitor& v, Health& x) {
  v.choice(
      {"level",
       "How far probes go; \"auto\": to the greeting, and only while something is wrong; \"off\": logins alone decide"},
      x.level,
      {{"auto", static_cast<int>(Health::Level::automatic)},
       {"off", static_cast<int>(Health::Level::off)},
       {"connect", static_cast<int>(Health::Level::connect)},
       {"tls", static_cast<int>(Health::Level::tls)},
       {"greeting", static_cast<int>(Health::Level::greeting)},
       {"login", static_cast<int>(Health::Level::login)}});
  v.flag({"passive", "What real logins meet counts, too"}, x.passive);
  v.duration({"interval", "Between two probes of a protocol of a backend"}, x.interval_ms);
  v.count({"jitter", "In a hundred of the interval, more or less, so that instances do not probe together"}, x.jitter,
          {1, 50});
  v.duration({"timeout", "For a probe"}, x.timeout_ms);
  v.count({"rise", "Successes in a row until a backend that is down serves again"}, x.rise, {1, 100});
  v.count({"fall", "Failures in a row until it is down"}, x.fall, {1, 100});
  v.duration(
      {"silence",
       "No greeting within this is a failure, and the next candidate is tried; longer for one that has been slow"},
      x.silence_ms);
  v.duration({"retry_min", "From the fall to the first trial; doubles with each that fails"}, x.retry_min_ms);
  v.duration({"retry_max", "And up to this"}, x.retry_max_ms);
  v.duration({"slow_start", "After it is back its share of users grows over this; 0: all at once"}, x.slow_start_ms,
             true);
  v.text({"user", "Account for probes of level \"login\""}, x.user);
  v.secret({"password", "Its password"}, x.password);
}

void describe_ready(Visitor& v, Ready& x) {
  const Range kCount{0, 1'000};
  v.count({"max", "Of each protocol, all workers together; 0: none"}, x.max, kCount);
  v.count({"min", "Kept also where nobody logs in"}, x.min, kCount);
  v.duration({"idle",
              "Renewed after so long without a login (keep it well below the backend's own time-out: Dovecot's is 3m), "
              "and let go where nobody has logged in for so long"},
             x.idle_ms);
}

void describe_backend(Visitor& v, Backend& x) {
  v.text({"name", "Label in pools, logs and metrics; default: the host"}, x.name);
  v.text({"host", "Name or address (this, or srv)"}, x.host);
  v.texts({"srv",
           "Names of SRV records, `_imap._tcp.example.com` and the like: one backend at each of their targets, called "
           "NAME/TARGET, of all pools that have NAME"},
          x.srv);
  for (const Protocol& each : protocols()) {
    std::string doc = "Port; default, if no other port is written either: " + std::to_string(each.port) + ", or " +
                      std::to_string(each.tls_port) + " with implicit TLS";
    v.count({port_key(each), doc.c_str()}, x.ports[each.name], kPort);
  }
  v.count({"lmtp_port", "Where mail for its users is delivered: what [lookup] answers"}, x.lmtp_port, kPort);
  v.choice(
      {"on_remove",
       "What becomes of its sessions when a new configuration has it no more: they stay until they end, or are let "
       "go over `[server] remove_time`"},
      x.on_remove, {{"keep", static_cast<int>(OnRemove::keep)}, {"drain", static_cast<int>(OnRemove::drain)}});
  v.choice(
      {"proxy_protocol", "Begin each connection with a PROXY header that names the client; the backend must expect it"},
      x.proxy_protocol,
      {{"off", static_cast<int>(SendProxyHeader::off)},
       {"v1", static_cast<int>(SendProxyHeader::v1)},
       {"v2", static_cast<int>(SendProxyHeader::v2)}});
  v.texts({"source", "Addresses of this machine to connect from, in turn; default: the kernel chooses one"}, x.source);
  v.flag({"trusted", "The backend trusts us: forward the client's address (ID, XCLIENT)"}, x.trusted);
  v.word(
      {"mechanism",
       "How passwords are said to it; \"plain\", the default: as they are, in whichever way it takes them; a SASL "
       "mechanism: so and in no other way; \"external\": our certificate in [backend.tls] speaks for whom a directory "
       "has verified; \"auto\": the strongest for secrets of ours (the master's, and those of directories), as they "
       "are for clients' own"},
      x.mechanism, backend_mechanisms());
  v.flag(
      {"forward_tokens",
       "It checks bearer tokens itself: who comes with OAUTHBEARER or XOAUTH2 is logged in there with his own token"},
      x.forward_tokens);
  v.flag({"pass_alerts",
          "Show its IMAP alerts to users even without TLS or verification; with both they are shown anyway"},
         x.pass_alerts);
  v.text({"zone", "Where it stands: instances of that zone prefer it; default: everywhere"}, x.zone);
  const Range kAny{0, 10'000'000};
  v.count({"sessions_max", "Sessions that it may have, logins under way included; 0: no limit"}, x.sessions_max, kAny);
  v.count({"logins_per_s", "Logins that may begin there in a second; 0: no limit"}, x.logins_per_s, kAny);
  v.count({"queue_max", "Logins that may wait for one of the two, where no other backend has room; 0: none"},
          x.queue_max, kAny);
  v.duration({"queue_timeout", "And how long; then the client is told to come again"}, x.queue_timeout_ms);
  v.optional({"health", "What differs from [health] for this backend"}, x.own_health, x.health, describe_health);
  v.optional({"ready", "What differs from [ready] for this backend"}, x.own_ready, x.ready, describe_ready);
  v.table({"tls", "Encryption towards this backend"}, x.tls, describe_backend_tls, "mode");
}

void describe_pool(Visitor& v, Pool& x) {
  std::vector<std::string> backends;
  v.text({"name", "Label in rules, directories and metrics; default: \"default\""}, x.name);
  v.choice(
      {"storage",
       "\"private\": only the backends of his shard have a user's mail; \"shared\": any backend of the pool serves "
       "any user"},
      x.storage,
      {{"private", static_cast<int>(Pool::Storage::separate)}, {"shared", static_cast<int>(Pool::Storage::shared)}});
  v.choice({"policy", "Who comes first in a shared pool: the user's own shard, one with few sessions, each in turn"},
           x.policy,
           {{"rendezvous", static_cast<int>(Pool::Policy::rendezvous)},
            {"least_sessions", static_cast<int>(Pool::Policy::least_sessions)},
            {"round_robin", static_cast<int>(Pool::Policy::round_robin)}});
  v.count(
      {"zone_spill",
       "In a shared pool: if fewer than so many in a hundred of our zone's backends serve, a part of the users goes "
       "to other zones"},
      x.zone_spill, {1, 100});
  v.count({"sessions_max", "Sessions at its backends, logins under way included; 0: no limit"}, x.sessions_max,
          {0, 10'000'000});
  v.texts({"backends", "Short form: every backend is a shard of its own name"}, backends);
  v.flag({"affinity", "All sessions of a user, of every protocol, go to the same backend while he has one"},
         x.affinity);
  v.duration({"affinity_time", "And so long after the last one"}, x.affinity_time_ms);
  v.choice({"affinity_down",
            "Where that backend cannot be reached: go to another one, unless a session of the user is still there, or "
            "tell him to try later"},
           x.affinity_down,
           {{"failover", static_cast<int>(AffinityDown::failover)}, {"wait", static_cast<int>(AffinityDown::wait)}});
  v.list({"shard", "A set of backends that hold the same mailboxes"}, x.shards, describe_shard);
  for (const std::string& backend : backends) x.shards.push_back({backend, 1.0, {backend}});
}

}  // namespace postigo::config
