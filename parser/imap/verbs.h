// The commands of IMAP: those that we count one by one, those that must not reach a backend, those that ask it for a
// word.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "parser/base/ascii.h"

namespace postigo::imap {

// Sorted, so that a verb is found by halving; "other" is last.
inline constexpr std::array<std::string_view, 50> kVerbs = {
    "APPEND",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "ESEARCH",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "NOTIFY",
    "RENAME",
    "REPLACE",
    "RESETKEY",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
    "XAPPLEPUSHSERVICE",
    "XCONVERSATIONS",
    "XLIST",
    "XMOVE",
    "other",
};
static_assert(std::is_sorted(kVerbs.begin(), kVerbs.end()), "upper case sorts before lower: other stays last");

inline constexpr size_t kVerbOther = kVerbs.size() - 1;

// Index into kVerbs. `upper_verb` in upper case.
inline size_t verb_index(std::string_view upper_verb) {
  auto it = std::lower_bound(kVerbs.begin(), kVerbs.end() - 1, upper_verb);
  bool found = it != kVerbs.end() - 1 && *it == upper_verb;
  return found ? static_cast<size_t>(it - kVerbs.begin()) : kVerbOther;
}

// Would free the backend from our user, or make the stream opaque (T40, T41). COMPRESS may be allowed all the same.
inline constexpr std::array<std::string_view, 5> kForbidden = {"LOGIN", "AUTHENTICATE", "STARTTLS", "UNAUTHENTICATE",
                                                               "COMPRESS"};
inline bool is_forbidden(std::string_view verb) {
  return std::any_of(kForbidden.begin(), kForbidden.end(),
                     [&](std::string_view name) { return equal_ignoring_case(name, verb); });
}

// The octets behind it mean what the backend says.
inline bool asks(std::string_view verb) {
  return equal_ignoring_case(verb, "IDLE") || equal_ignoring_case(verb, "COMPRESS");
}

}  // namespace postigo::imap
