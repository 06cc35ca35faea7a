// From a TOML file to a Config, with every problem found in one pass.
//
// Blocking (reads the file and the secrets that it names); call it from the main thread. No exception leaves it.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/config.h"

namespace postigo::config {

// One thing that is wrong, ready to print: "postigo.toml:12:3: listener.tls: ... (did you mean ...?)".
struct Problem {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string key;      // dotted path, may be empty
  std::string message;  // what is wrong and what to do; never a secret
  bool fatal = true;    // false: a warning
};

std::string to_string(const Problem& problem);
using Problems = std::vector<Problem>;

// Problems whose place in the file is yet to be filled in (Loaded::placed). `key` may have indexes.
inline Problem error_at(std::string key, std::string message) {
  return {"", 0, 0, std::move(key), std::move(message), true};
}
inline Problem warning_at(std::string key, std::string message) {
  return {"", 0, 0, std::move(key), std::move(message), false};
}
bool any_fatal(const Problems& problems);

struct Position {
  unsigned line = 0;
  unsigned column = 0;
};

struct Loaded {
  Config config;      // complete only if ok()
  Problems problems;  // in file order
  bool ok() const;

  // For problems that only others can find (a regex, the inside of a certificate): fills in where the key stands.
  // Keys of arrays carry their index: "routing.rule[1].regex". Takes the nearest table that was written.
  Problem placed(Problem problem) const;

  std::string file;
  std::unordered_map<std::string, Position> places;
};

Loaded load_file(const std::string& path);
// `name` stands for the file in messages; relative paths inside are taken from `directory`.
Loaded load_text(const std::string& text, const std::string& name, const std::string& directory);

}  // namespace postigo::config
