// Summary: what is known of a session, and the lines that it leaves in the log (proxy/LOG.md).
//
// A plain record that the session fills while it lives; write() is called once, from the one exit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "parser/proxy_protocol/header.h"
#include "parser/step.h"
#include "proxy/base/phase.h"
#include "proxy/base/refused.h"
#include "proxy/base/short_text.h"
#include "proxy/log_samples.h"
#include "proxy/net/address.h"
#include "proxy/net/socket.h"
#include "proxy/session/trace.h"

namespace postigo {

// What a balancer told of the client in its PROXY header, or a proxy in the dialogue (told.h).
struct Proxied {
  Address via;                             // its own
  std::optional<Address> local;            // that the client connected to
  bool health_check = false;               // the balancer spoke for itself
  std::optional<proxy_protocol::Ssl> ssl;  // the client's TLS towards it; nothing: none
  std::string alpn;                        // that it agreed on there (RFC 7301)
  std::string name;                        // that the client asked for (SNI)
  std::string id;                          // the balancer's, of the connection; the proxy's, of the session
  bool speaks = false;                     // a proxy: TLS and all the rest of the connection to us are its own
  std::optional<uint8_t> hops_left;        // how many proxies a login may pass from us on (T63)
};

using SessionId = ShortText<16>;  // hexadecimal digits

// Every session has one for its whole life: ordered by size, without gaps.
struct Summary {
  std::string user;  // as authenticated, or as claimed
  std::string shard;
  std::string detail;                   // of the reason, for people
  std::string_view listener, protocol;  // live as long as the configuration
  std::string_view mechanism;           // static text; empty before the first attempt
  std::string_view backend;             // lives as long as the Fleet
  std::string_view state;               // of the dialogue, before the relay
  std::unique_ptr<Proxied> proxied;     // null without a PROXY header
  std::unique_ptr<Trace> trace;         // null: nobody asked for it
  const char* tls_version = "";         // static texts of BoringSSL
  const char* tls_cipher = "";
  uint64_t bytes_from_client = 0;  // as relayed, decrypted
  uint64_t bytes_from_backend = 0;
  uint64_t commands = 0;
  uint64_t start_ms = 0;
  uint64_t end_ms = 0;
  double keep = 1;          // share of such sessions that is logged (log_samples.h)
  unsigned delayed_ms = 0;  // the newest attempt, by a penalty
  unsigned failures = 0;    // failed login attempts
  unsigned refused = 0;     // all that were refused, for whatever reason
  Address client;           // as the balancer told it, if there is one
  SessionId id;
  bool authenticated = false;
  bool tls_resumed = false;
  bool backend_tls = false;
  bool left_out = false;         // this one is not
  Phase phase = Phase::command;  // in which it ended
  CloseReason reason = CloseReason::client_closed;
};

// Who connects: the client, or whoever stands before us.
inline const Address& peer_of(const Summary& s) { return s.proxied != nullptr ? s.proxied->via : s.client; }
// What the client connected to, and the name that it asked for by TLS (SNI): empty if it did not.
Address local_address(const Summary& summary, const Socket& client);
std::string name_asked_for(const Summary& summary, const Socket& client);

// Decides, when its user is known, whether the session leaves its lines. One that had a refusal does, so that it is
// seen what became of it; and at level debug all do.
void sample(Summary& summary, const LogSamples& samples);

void write(const Summary& summary);
// The user is logged in; `client` is null if he has left meanwhile. `seconds`: since the attempt began.
// `authcid`: who acts as the user; empty: he himself.
void write_login(const Summary& summary, const Socket* client, const Socket& backend, double seconds,
                 std::string_view authcid = {});
// An attempt is refused: the newest of summary.refused. `backend`: who was asked, or empty. `code`: the response
// code that it refused with, or empty.
void write_refused(const Summary& summary, Refused reason, std::string_view backend, std::string_view code);
// For debugging: a dialogue has taken a step. `side`: client, or backend.
void write_step(const Summary& summary, std::string_view side, std::string_view state, Event event, unsigned commands);

}  // namespace postigo
