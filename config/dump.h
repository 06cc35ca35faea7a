// The effective configuration, defaults and all, as a file that load.h reads again.
#pragma once

#include <string>

#include "config/config.h"

namespace postigo::config {

// Secrets and password hashes are printed as "***"; all else survives dump and load.
std::string dump(const Config& config);

}  // namespace postigo::config
