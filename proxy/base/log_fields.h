// What the fields of log lines mean: the second table of proxy/LOG.md. Every field of an event stands here, once.
#pragma once

#include <array>
#include <string_view>

namespace postigo::log {

struct FieldFacts {
  std::string_view name;
  std::string_view text;
};

inline constexpr auto kFieldFacts = std::to_array<FieldFacts>({
    // who and from where
    {"id", "the session, the same in all of its lines; backends that trust us get it too"},
    {"client", "address and port of the client"},
    {"via", "address and port of the balancer that told us `client` in a PROXY header; absent without one"},
    {"local", "address and port that the client connected to"},
    {"backend_local", "our address and port towards the backend"},
    {"backend_address", "address and port of the backend"},
    {"protocol", "`imap`, `pop3`"},
    {"listener", "the listener's `name`"},
    {"user", "a verified name, as the session goes by"},
    {"authcid", "who has logged in to act as `user`, by `[[auth.impersonation]]`; absent if that is he himself"},
    {"claimed_user", "a name that nobody has verified, normalised: what a stranger typed, at the end of the line"},
    {"attempt", "which refusal of this connection it is"},
    {"keep", "the share of such sessions that is logged, by `[[log.sample]]`; absent if all are"},
    {"login_failures", "refused attempts of this connection; absent if none"},
    // how
    {"tls", "`TLSv1.3`, `TLSv1.2` or `none`, towards the client"},
    {"cipher", "cipher suite towards the client"},
    {"resumed", "the client's TLS session was resumed"},
    {"sni", "the name that the client asked for by TLS, unverified; a balancer may have told it"},
    {"via_tls", "TLS version of the client towards the balancer, as it told us"},
    {"via_alpn", "the protocol that the client's TLS towards the balancer agreed on (ALPN), as it told us"},
    {"via_id", "the connection's id at the balancer (UNIQUE_ID)"},
    {"mechanism", "of SASL, by its name; `LOGIN` is also IMAP's command, `USER` POP3's USER and PASS, `APOP` its APOP"},
    {"backend", "the backend's `name`"},
    {"shard", "the shard's `name`"},
    {"backend_tls", "the connection to the backend is encrypted"},
    {"backend_tls_version", "`TLSv1.3`, `TLSv1.2`"},
    {"backend_cipher", "cipher suite towards the backend"},
    // what became of it
    {"reason", "why, from a closed list: see below"},
    {"code", "the backend's response code (RFC 5530, 2449, 3206), as it said it"},
    {"error", "what went wrong at a backend, from a closed list: see below"},
    {"detail", "the same in words, for people"},
    {"phase", "phase of the session (ARCHITECTURE.md)"},
    {"state", "state of the dialogue, before the relay"},
    {"bytes_in", "octets from the client to the backend after login, decrypted"},
    {"bytes_out", "octets from the backend to the client after login, decrypted"},
    {"commands", "complete commands of the client"},
    {"seconds",
     "`session`, `probe`: its length; `login`: from the credentials to our OK; `..._back`: the outage; `draining`: how "
     "long it may take"},
    {"delayed", "seconds that a penalty made the attempt wait (`[penalty]`)"},
    {"health", "`up`, `suspect`, `down`, `slow_start`"},
    {"before", "the same, until now; `seconds` says how long"},
    {"failed_logins",
     "logins that failed meanwhile; after a shard's other backends were tried they may have succeeded"},
    // debugging
    {"side", "which dialogue: `client`, `backend`"},
    {"step", "what the dialogue raised: `need_input`, `start_tls`, `authenticate`, `logged_in`, `refused`, ..."},
    // the process
    {"address", "address and port that are, or were, listened on"},
    {"url", "where to scrape"},
    {"version", "of Postigo"},
    {"workers", "threads"},
    {"backends", "how many are configured"},
    {"descriptors", "how many the process may have"},
    {"sessions_max", "sessions at a time that this makes"},
    {"sessions", "how many are logged in and relayed now"},
    {"signal", "`SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGUSR1`, `SIGUSR2`"},
    {"cause",
     "who asked: `SIGHUP`, `ctl`; `certificates`: their files changed; `watch`: the configuration's file did; "
     "`srv`: SRV records did; `SIGUSR2`, `takeover`"},
    {"program", "the one that is started; empty where one that runs has asked"},
    {"pid", "the process that serves from now on"},
    {"by", "the account at the other end of the admin socket"},
    {"verb", "what was asked for (`postigo ctl --help`)"},
    {"result", "`done`, or why not"},
    {"changes", "how many keys of the configuration"},
    {"name", "the first name in a certificate"},
    {"days", "that it is still good for, whole ones; below 0: it is over"},
    {"service", "the name of SRV records"},
    {"targets", "how many of them are named"},
    {"hash", "of the configuration in effect, without its secrets"},
    {"over_limit", "lines that were not written because of `stranger_lines_per_s`"},
    {"unwritten", "lines that the file, pipe, terminal or socket did not take"},
    {"moved", "users who were moved"},
    {"failed", "users who could not be moved"},
    {"cut", "lines with a value of more than 512 octets; what is there of it ends with `...`"},
});

}  // namespace postigo::log
