// From the tree to a Config: types, units, words, unknown keys. What values mean together is check.h's.
#pragma once

#include <functional>
#include <string>

#include "config/config.h"
#include "config/report.h"
#include "config/schema.h"
#include "config/tree.h"

namespace postigo::config {

// Where the text came from.
struct Source {
  std::string directory;  // relative paths are taken from here; empty: left as they are
  bool exposed = false;   // the file can be read by others than its owner: secrets do not belong into it
};

using Describe = std::function<void(Visitor& visitor)>;  // shows it all that there is

// Fills what the tree says and leaves the rest at its defaults; reports all problems and places.
void read_tree(const Node& root, const Source& source, const Describe& describe, Report& report);

}  // namespace postigo::config
