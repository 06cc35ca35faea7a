// After login: lets POP3 pass in both directions, rewrites CAPA, and keeps a second login away from the backend.
//
// O(1) memory; the policy and the counters outlive the filter. RFC 1939 3 and 5, RFC 2449 5.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "parser/capability_policy.h"
#include "parser/relay_filter.h"

namespace postigo::pop3 {

// What is counted. The filter's table of commands refers to these by name.
inline constexpr std::array<std::string_view, 13> kVerbs = {"CAPA", "DELE", "LIST", "NOOP", "QUIT", "RETR", "RSET",
                                                            "STAT", "TOP",  "UIDL", "UTF8", "LANG", "other"};

// What the backend lists is of no use here: CAPA is asked for when the client asks.
std::unique_ptr<RelayFilter> make_filter(std::shared_ptr<const CapabilityPolicy> policy,
                                         std::span<const std::string> backend, FilterCounts counts);

}  // namespace postigo::pop3
