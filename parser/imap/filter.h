// IMAP after login, both directions (RFC 9051; RFC 2177, 2971, 4978, 7888, 8437): the RelayFilter of the seam.
//
// Towards the client it rewrites every capability list (capability.h) and makes an ID response name us. Towards the
// backend it counts commands, keeps verbs away that would free the backend from our user (UNAUTHENTICATE, ...), and
// turns every non-synchronising literal into a synchronising one, so that backend and filter cannot disagree about
// where a literal begins and ends. O(1) memory; bulk passes as slices of the input.
#pragma once

#include <memory>

#include "parser/dialogue.h"

namespace postigo::imap {

// Verbs are those of verbs.h.
std::unique_ptr<RelayFilter> make_filter(std::shared_ptr<const CapabilityPolicy> policy, FilterCounts counts);

}  // namespace postigo::imap
