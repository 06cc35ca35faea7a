// Moments as servers, files and people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "parser/base/result.h"

namespace postigo {

// Unix time in seconds from "2026-08-01", "2026-08-01 18:00", "2026-08-01T18:00:00.5+02:00", LDAP's "20260801180000Z"
// or a count of seconds since 1970. Without an offset it is UTC. Empty, "0" and "never": 0, which is no moment.
Result<int64_t> parse_moment(std::string_view text);

std::string write_moment(int64_t unix_s);  // "2026-08-01T18:00:00Z"; 0: empty

}  // namespace postigo
