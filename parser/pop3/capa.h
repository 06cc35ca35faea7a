// The capabilities of POP3 (RFC 2449 5, 6) as both sides of the login see them.
//
// RFC 2449 5: what is announced before login is announced after it as well. Before login nobody knows the backend, so
// the list is ours; after it the filter repeats ours and adds what only concerns a logged-in user (T44).
// SASL is ours too, though a second login never passes: RFC 2449 6.3 wants it announced in both states.
// Not shown after login: STLS (RFC 2595 4 says so).
// Never shown: IMPLEMENTATION, which names software (T45), and what we do not know (RFC 2971 5 in spirit, T37).
#pragma once

#include <array>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/capability_policy.h"

namespace postigo::pop3 {

// USER is last: before login it is said only while USER would be accepted. Whoever has logged in has seen it.
inline constexpr std::array<std::string_view, 6> kPromised = {"TOP",        "UIDL", "RESP-CODES", "AUTH-RESP-CODE",
                                                              "PIPELINING", "USER"};

bool hidden(const CapabilityPolicy& policy, Bytes tag);

// The tag of an entry of CapabilityPolicy::add: "EXPIRE" of "EXPIRE NEVER".
Bytes tag_of(Bytes capability);

// Whether an entry of CapabilityPolicy::add makes sense once a user is logged in, and repeats nothing of ours.
bool may_add_after_login(Bytes capability);

// If a backend's capability may pass after login: its canonical spelling, of static lifetime. Otherwise empty; that
// includes all that we say ourselves.
std::string_view relayable(const CapabilityPolicy& policy, Bytes tag);

// RFC 2449 3: a tag has no upper bound, but none that we know is longer.
inline constexpr size_t kKnownTagMax = 14;

}  // namespace postigo::pop3
