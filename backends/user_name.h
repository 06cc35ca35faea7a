// What of a user name we understand: its case and its domain. The rest are octets in a character set that nobody told
// us (T76): UTF-8 if they are that, else a single-octet one (Latin-1, KOI8-R) or one with two octets per character
// (Shift-JIS, GBK, Big5), whose second octet may look like a letter or like "@".
#pragma once

#include <string>
#include <string_view>

namespace postigo {

// ASCII letters in lower case; but no octet of a character that takes two.
std::string lower_name(std::string_view name);

// Whether it has a domain, and what stands behind its "@" (which may be empty: "alice@").
bool has_domain(std::string_view name);
std::string_view domain_of(std::string_view name);

}  // namespace postigo
