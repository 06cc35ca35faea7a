// International domains: a U-label and its A-label (RFC 5890) are one domain. By UTS 46, non-transitional, as browsers
// and mail servers read them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postigo {

// "b\xc3\xbc""cher.example" and "BÜCHER.example" to "xn--bcher-kva.example". Nothing: it is no valid domain.
std::optional<std::string> domain_to_ascii(std::string_view domain);
// The other way round; a domain without A-labels is itself. Nothing: it is no valid domain.
std::optional<std::string> domain_to_unicode(std::string_view domain);

}  // namespace postigo
