// The keys as data: for suggestions, for the table of README.md and for the test that example.toml knows them all.
#pragma once

#include <string>
#include <vector>

namespace postigo::config {

struct KeyDoc {
  std::string path;           // "listener.tls"
  std::string type;           // "string", "duration", ..., "table", "array of tables"
  std::string default_value;  // as it would be written; empty: none, or as the text says
  std::string doc;
};

// In the order of the schema. Lives as long as the program.
const std::vector<KeyDoc>& keys();

// The tables of README.md, one per section.
std::string markdown();

}  // namespace postigo::config
