// A handshake with the client: how long it may take, and what is counted of it. Not here: TLS itself (net/tls.h,
// net/socket_tls.cc), and towards backends (upstream.cc).
#include "proxy/session/handshake.h"

#include <algorithm>

#include "backends/ledger/prefix.h"
#include "proxy/net/tls_count.h"
#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

// An IPv4 /24 or an IPv6 /48 (folded): what one subscriber or one rented machine has. Nothing but fairness depends on
// it.
uint32_t network_of(const config::AnyAddress& address) {
  const bool v4 = is_ipv4(address);
  const auto* from = address.data() + (v4 ? 12 : 0);
  uint64_t prefix = v4 ? 1 : 0;
  for (int i = 0; i < (v4 ? 3 : 6); ++i) prefix = prefix << 8 | from[i];
  return static_cast<uint32_t>(prefix ^ prefix >> 32);
}

}  // namespace

void Handshake::start(Bytes received) {
  start_us_ = uv_hrtime() / 1000;
  session_.enter(Phase::tls, std::min(session_.limits().tls_handshake_timeout_ms, session_.login_ms_left()));
  session_.client()->start_tls_server(session_.frontend().tls_context->get(), received,
                                      network_of(session_.summary().client.octets()));
}

// Who left without an octet did not try TLS.
void Handshake::client_failed(const std::string& why) {
  if (!session_.client()->heard()) return Stage::client_failed(why);
  numbers().tls_failed.inc();
  session_.close(CloseReason::tls_failed, why);
}

void Handshake::deadline() {
  numbers().tls_timeout.inc();
  session_.close(CloseReason::tls_timeout);
}

void Handshake::secured() {
  count();
  session_.enter(Phase::command, session_.login_ms_left());
  go_on();
}

void Handshake::count() {
  const Tls& tls = *session_.client()->tls();
  Summary& summary = session_.summary();
  summary.tls_version = tls.version();
  summary.tls_cipher = tls.cipher();
  summary.tls_resumed = tls.resumed();
  count_handshake(numbers().tls, session_.client()->tls()->ssl());
  numbers().tls_seconds.observe_us(uv_hrtime() / 1000 - start_us_);
}

ListenerStats& Handshake::numbers() { return session_.host().stats().listeners[session_.frontend().state->slot]; }

void Handshake::go_on() { session_.begin_login(); }

void StartTls::go_on() { session_.become(std::move(login_)).secured(); }

}  // namespace postigo
