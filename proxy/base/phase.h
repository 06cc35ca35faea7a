// The phases of a session and the reasons why it ends. The names are what operators read in logs and metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postigo {

enum class Phase : uint8_t { preamble, tls, command, lookup, connect, backend_tls, backend_login, relay, closing };
inline constexpr size_t kPhases = 9;
inline constexpr std::array<std::string_view, kPhases> kPhaseNames = {
    "preamble", "tls", "command", "lookup", "connect", "backend_tls", "backend_login", "relay", "closing"};

constexpr std::string_view name_of(Phase phase) { return kPhaseNames[static_cast<size_t>(phase)]; }

// Legal transitions: the phase is written in one place (Session::enter), which asserts them.
constexpr bool may_follow(Phase from, Phase to) {
  if (to == Phase::preamble) return false;
  switch (from) {
    case Phase::preamble:
      return to == Phase::tls || to == Phase::command || to == Phase::closing;
    case Phase::tls:
      return to == Phase::command || to == Phase::closing;
    case Phase::command:
      return to == Phase::tls || to == Phase::lookup || to == Phase::closing;
    case Phase::lookup:
      return to == Phase::command || to == Phase::connect || to == Phase::closing;
    case Phase::connect:
      return to != Phase::tls && to != Phase::lookup && to != Phase::relay;
    case Phase::backend_tls:
      return to != Phase::tls && to != Phase::lookup && to != Phase::relay;
    case Phase::backend_login:
      return to != Phase::tls && to != Phase::lookup;
    case Phase::relay:
      return to == Phase::closing;
    case Phase::closing:
      return false;
  }
  return false;
}

// Why a session ended. The table below says for each who ended it, and has the client been told.
enum class CloseReason : uint8_t {
  logout,
  client_closed,
  probe,
  backend_closed,
  proxy_header_untrusted,
  proxy_header_invalid,
  proxy_header_timeout,
  tls_failed,
  tls_timeout,
  login_timeout,
  idle_timeout,
  too_many_errors,
  protocol_error,
  backend_lost,
  client_lost,
  session_limit,
  listener_limit,
  address_limit,
  rate_limit,
  memory,
  login_memory,
  shutting_down,
  kicked,
  backend_removed,
  internal_error,
};

struct CloseReasonFacts {
  std::string_view name;
  std::string_view side;  // who ended it, as operators ask: the client, the backend, or we ("proxy")
  std::string_view text;  // has the client been told? may it come again? (proxy/LOG.md)
};
inline constexpr auto kCloseReasonFacts = std::to_array<CloseReasonFacts>({
    {"logout", "client", "LOGOUT or QUIT; told by whoever answered it"},
    {"client_closed", "client", "the client closed the connection; nobody is left to tell"},
    {"probe", "client", "connected and gone without an octet: a health check; counted, no line above debug"},
    {"backend_closed", "backend", "the relayed stream ended; the client saw the same end"},
    {"proxy_header_untrusted", "proxy", "not in proxy_trusted of a listener that requires PROXY headers; not told"},
    {"proxy_header_invalid", "proxy", "a trusted peer's PROXY header is wrong, or is not there; not told"},
    {"proxy_header_timeout", "proxy", "a trusted peer's PROXY header did not come in time; not told"},
    {"tls_failed", "proxy", "the client's TLS handshake failed; told by an alert; the client or our certificate"},
    {"tls_timeout", "proxy", "tls_handshake_timeout; not told"},
    {"login_timeout", "proxy", "login_timeout; told by BYE or -ERR"},
    {"idle_timeout", "proxy", "silence after login; IMAP clients are told by BYE between two responses"},
    {"too_many_errors", "proxy", "too many bad commands or failed logins; told by BYE or -ERR"},
    {"protocol_error", "proxy", "the relayed stream broke the protocol; not told"},
    {"backend_lost", "backend", "the backend's connection broke; IMAP clients are told by BYE between two responses"},
    {"client_lost", "client", "the client's connection failed: reset, or a time-out of TCP"},
    {"session_limit", "proxy", "limits.sessions_max; told by BYE or -ERR; may come again"},
    {"listener_limit", "proxy", "sessions_max of its [[listener]]; told by BYE or -ERR; may come again"},
    {"address_limit", "proxy",
     "limits.sessions_per_address or sessions_per_network; told by BYE or -ERR; may come again"},
    {"rate_limit", "proxy", "too many connections or TLS handshakes in a second; not told; may come again"},
    {"memory", "proxy", "limits.memory is reached; told by BYE or -ERR; may come again"},
    {"login_memory", "proxy",
     "it held too much before login; told by BYE or -ERR, in a TLS handshake not; may come again"},
    {"shutting_down", "proxy", "Postigo stops; IMAP clients are told by BYE between two responses; may come again"},
    {"kicked", "proxy", "an operator ended it; IMAP clients are told by BYE between two responses; may come again"},
    {"backend_removed", "proxy",
     "its backend is not in the configuration any more (on_remove = \"drain\"); told as with kicked; may come again"},
    {"internal_error", "proxy", "our fault; told by BYE or -ERR where possible"},
});
inline constexpr size_t kCloseReasons = kCloseReasonFacts.size();
static_assert(kCloseReasons == static_cast<size_t>(CloseReason::internal_error) + 1);

constexpr const CloseReasonFacts& facts_of(CloseReason reason) {
  return kCloseReasonFacts[static_cast<size_t>(reason)];
}
constexpr std::string_view side_of(CloseReason reason) { return facts_of(reason).side; }
constexpr std::string_view name_of(CloseReason reason) { return facts_of(reason).name; }

}  // namespace postigo
