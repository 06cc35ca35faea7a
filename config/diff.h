// What differs between two configurations, key by key, as an operator would say it.
//
// Pure. Secrets are compared, never shown.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "parser/base/bytes.h"

namespace postigo::config {

struct Change {
  std::string key;            // "backend[mail1].host": items of lists by their names, else by their numbers from 1
  std::string before, after;  // as in the file, secrets as "***"; empty: not there
  bool needs_restart = false;
};

// In the order of the schema.
std::vector<Change> diff(const Config& before, const Config& after);

// The same in two steps, for a configuration that is not here.
struct Value {
  std::string key;
  std::string shown;
  Bytes secret;  // into the configuration, or what its owner puts in its place: compared, but not shown
};
std::vector<Value> flatten(Config& config);  // visitors may change what they see: give it a copy
std::vector<Change> diff(const std::vector<Value>& before, const std::vector<Value>& after);

}  // namespace postigo::config
