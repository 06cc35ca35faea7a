// The file as a tree of values with their positions: all that the rest of config/ sees of a TOML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/report.h"

namespace postigo::config {

struct Node;

struct Member {
  std::string key;
  Position key_at;
  std::vector<Node> value;  // exactly one; a vector because Node is not complete here
};

struct Node {
  enum class Kind { table, array, string, integer, real, boolean, date };
  Kind kind = Kind::table;
  Position at;
  std::string text;               // string
  int64_t integer = 0;            // integer
  double real = 0;                // real
  bool boolean = false;           // boolean
  std::optional<int64_t> unix_s;  // date with a time and an offset
  std::vector<Node> items;        // array
  std::vector<Member> members;    // table, in no particular order

  const Node* find(std::string_view key) const;
};

// "a table", "an integer": for "expected ..., found ...".
const char* kind_name(Node::Kind kind);

// Parses TOML 1.0. Returns false and reports (the first problem only: nothing after it can be trusted) on bad syntax,
// octets that are not UTF-8, or keys nested beyond reason. REQUIRES: text lives as long as the call.
bool parse_tree(const std::string& text, Node& root, Report& report);

}  // namespace postigo::config
