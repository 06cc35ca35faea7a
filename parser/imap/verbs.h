// The commands of IMAP: those that we count one by one, those that must not reach a backend, those that ask it for a
// word.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "parser/base/ascii.h"
#include "parser/base/name_index.h"

namespace postigo::imap {

// Sorted; "other" is last.
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

inline constexpr NameIndex kVerbIndex(kVerbs);

// Index into kVerbs, whatever the verb's case.
constexpr size_t verb_index(std::string_view verb) { return std::min(kVerbIndex.find(verb), kVerbOther); }

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
