// One line for each change of what is believed of a backend, whoever found it out.
#pragma once

#include <string_view>

#include "backends/balance/health.h"

namespace postigo {

void write_health(std::string_view backend, std::string_view protocol, const Health::Change& change);

}  // namespace postigo
