// A configuration as it goes from `postigo ctl` to the Postigo that runs, to be compared there: keys and values, and of
// secrets a hash under a key that is new each time. So neither side needs to read the other's files, no secret is sent,
// and none is told: only whether two are equal.
//
// Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/diff.h"
#include "parser/base/result.h"

namespace postigo {

nlohmann::ordered_json listing_of(const config::Config& config);

// What would change if the listed one took the place of `running`. An error if it is no listing.
Result<std::vector<config::Change>> compare(const config::Config& running, const nlohmann::ordered_json& listing);

// The names of its [[backend]]s or [[listener]]s. REQUIRES: compare() took it.
std::vector<std::string> names_in(const nlohmann::ordered_json& listing, std::string_view section);

}  // namespace postigo
