// Summary: what one session leaves behind: a log line and its share of the counters.
//
// A plain record that the session fills while it lives; write() is called once, from the one exit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/phase.h"
#include "proxy/net/address.h"

namespace postigo {

struct Summary {
  std::string id;
  std::string_view listener, protocol;  // live as long as the configuration
  Address client;
  std::string user;  // as authenticated, or as claimed
  bool authenticated = false;
  std::string_view mechanism;  // static text; empty before the first attempt
  std::string backend, shard;
  const char* tls_version = "";  // static texts of BoringSSL
  const char* tls_cipher = "";
  bool tls_resumed = false;
  bool backend_tls = false;
  uint64_t bytes_from_client = 0;  // as relayed, decrypted
  uint64_t bytes_from_backend = 0;
  uint64_t commands = 0;
  unsigned failures = 0;  // failed login attempts
  uint64_t start_ms = 0;
  uint64_t end_ms = 0;
  Phase phase = Phase::command;  // in which it ended
  std::string_view state;        // of the dialogue, before the relay
  CloseReason reason = CloseReason::client_closed;
  std::string detail;  // of the reason, for people
};

void write(const Summary& summary);

}  // namespace postigo
