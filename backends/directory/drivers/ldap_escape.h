// Names as values in what LDAP is asked (A5): nothing that a user writes ends the value that it stands in.
#pragma once

#include <string>
#include <string_view>

namespace postigo {

// RFC 4515 3: for an assertion value of a filter.
std::string escape_in_filter(std::string_view value);

// RFC 4514 2.4: for an attribute value of a distinguished name; "=" as well, so that no value begins a name of its own.
std::string escape_in_dn(std::string_view value);

}  // namespace postigo
