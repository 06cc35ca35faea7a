// What the file may leave out because the rest of it says enough.
#pragma once

#include "config/config.h"
#include "config/report.h"

namespace postigo::config {

// Fills names, ports, pools and paths that were not written. Before check(), which sees the complete Config.
void complete(Config& config, const Report& report);

}  // namespace postigo::config
