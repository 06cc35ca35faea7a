// One protocol, as the rest of Postigo knows it: how it is called, what is usual, and what makes its dialogues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "parser/back.h"
#include "parser/front.h"
#include "parser/relay_filter.h"
#include "parser/sasl/facts.h"

namespace postigo {

// One row of the table in protocols.cc.
struct Protocol {
  std::string_view name;          // "imap", "pop3": in configuration, metrics, logs
  std::string_view alpn;          // RFC 7301 registry
  uint16_t port = 0;              // clear text and STARTTLS
  uint16_t tls_port = 0;          // implicit TLS
  std::string_view srv, srv_tls;  // what its SRV records begin with (RFC 6186)
  // How long both sides may be silent after login: what is usual, and what its RFC wants at least.
  uint64_t idle_timeout_ms = 0, idle_timeout_min_ms = 0;
  std::string_view idle_rfc;            // which RFC, and what else speaks for it
  bool lists_before_login = false;      // CapabilityPolicy::before_login means something
  bool compresses = false;              // so does allow_compress
  bool capability_arguments = false;    // names in its lists have arguments behind them (RFC 2449 3)
  bool mechanisms_after_login = false;  // its list names them still (RFC 2449 5): CapabilityPolicy::sasl
  // What a probe of ours says: after logged_in a command that changes nothing, what the line begins with that answers
  // it well, and at the end, whatever came before, a client's good-bye.
  std::string_view noop, noop_done, goodbye;
  std::span<const std::string_view> verbs;  // what RelayFilter counts; the last one is "other"
  // `facts` outlive the dialogue.
  std::unique_ptr<FrontDialogue> (*make_front)(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) = nullptr;
  std::unique_ptr<BackDialogue> (*make_back)(const BackPolicy& policy, BackLogin login) = nullptr;
  // What the client is told when the backend refused.
  Refusal (*refusal_for)(const BackendReply& reply) = nullptr;
  // `backend`: what it lists after login, in upper case; empty: unknown. Read in the call only.
  std::unique_ptr<RelayFilter> (*make_filter)(std::shared_ptr<const CapabilityPolicy> policy,
                                              std::span<const std::string> backend, FilterCounts counts) = nullptr;
};

// Null if there is no such protocol.
const Protocol* find_protocol(std::string_view name);
std::span<const Protocol> protocols();
// The place of one of them there.
inline size_t index_of(const Protocol& protocol) { return static_cast<size_t>(&protocol - protocols().data()); }

}  // namespace postigo
