// What differs between two configurations, key by key, as an operator would say it.
//
// Pure. Secrets are compared, never shown.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace postigo::config {

struct Change {
  std::string key;            // "backend[mail1].host": items of lists by their names, else by their numbers from 1
  std::string before, after;  // as in the file, secrets as "***"; empty: not there
  bool needs_restart = false;
};

// In the order of the schema.
std::vector<Change> diff(const Config& before, const Config& after);

}  // namespace postigo::config
