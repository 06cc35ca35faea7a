// IMAP after login, both directions (RFC 9051; RFC 2177, 2971, 4978, 7888, 8437): the RelayFilter of the seam.
//
// Towards the client it rewrites every capability list (capability.h) and makes an ID response name us. Towards the
// backend it counts commands and keeps verbs away that would free the backend from our user (UNAUTHENTICATE, ...),
// however they are dressed up. Only whole lines of a client pass; bulk passes as slices of the input.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "parser/capability_policy.h"
#include "parser/relay_filter.h"

namespace postigo::imap {

// Verbs are those of verbs.h. `backend`: what it lists after login, in upper case.
std::unique_ptr<RelayFilter> make_filter(std::shared_ptr<const CapabilityPolicy> policy,
                                         std::span<const std::string> backend, FilterCounts counts);

}  // namespace postigo::imap
