// The phases of a session and the reasons why it ends. The names are what operators read in logs and metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postigo {

enum class Phase : uint8_t { tls, command, lookup, connect, backend_tls, backend_login, relay, closing };
inline constexpr size_t kPhases = 8;
inline constexpr std::array<std::string_view, kPhases> kPhaseNames = {
    "tls", "command", "lookup", "connect", "backend_tls", "backend_login", "relay", "closing"};

constexpr std::string_view name_of(Phase phase) { return kPhaseNames[static_cast<size_t>(phase)]; }

// Legal transitions: the phase is written in one place (Session::enter), which asserts them.
constexpr bool may_follow(Phase from, Phase to) {
  switch (from) {
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

// Each comment: has the client been told? may another backend be tried?
enum class CloseReason : uint8_t {
  logout,           // told by whoever answered LOGOUT/QUIT; over
  client_closed,    // nobody left to tell; over
  backend_closed,   // the relayed stream ended, the client sees the same end; the client may come again
  tls_failed,       // by a TLS alert; the client's or our certificate's fault
  tls_timeout,      // no; the client may come again
  login_timeout,    // BYE / -ERR; the client may come again
  idle_timeout,     // IMAP: BYE between responses, else no; the client may come again
  too_many_errors,  // BYE / -ERR by the front; over
  protocol_error,   // no: the relayed stream broke the protocol; over
  backend_lost,     // IMAP: BYE between responses, else no: the backend's connection broke; the client may come again
  client_lost,      // the client's connection failed (reset, time-out of TCP); over
  session_limit,    // BYE / -ERR; the client may come again
  shutting_down,    // BYE between responses, POP3 no (T49); another instance may take it
  internal_error,   // BYE / -ERR where possible; see the log
};
inline constexpr size_t kCloseReasons = 14;
inline constexpr std::array<std::string_view, kCloseReasons> kCloseReasonNames = {
    "logout",        "client_closed", "backend_closed",  "tls_failed",     "tls_timeout",
    "login_timeout", "idle_timeout",  "too_many_errors", "protocol_error", "backend_lost",
    "client_lost",   "session_limit", "shutting_down",   "internal_error"};

// Who ended it, as operators ask: the client, the backend, or we.
constexpr std::string_view side_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::logout:
    case CloseReason::client_closed:
    case CloseReason::client_lost:
      return "client";
    case CloseReason::backend_closed:
    case CloseReason::backend_lost:
      return "backend";
    default:
      return "proxy";
  }
}

constexpr std::string_view name_of(CloseReason reason) { return kCloseReasonNames[static_cast<size_t>(reason)]; }

}  // namespace postigo
