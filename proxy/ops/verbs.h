// The verbs of the admin API and of `postigo ctl`, written down once: routes, OpenAPI, command line and completion are
// read off this table.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "proxy/ops/answers.h"

namespace postigo {

struct Parameter {
  // configuration: on the command line a file, in the API its listing (config_listing.h).
  enum class Kind { text, number, duration, flag, configuration };
  std::string_view name;
  Kind kind;
  std::string_view doc;
  bool positional = false;  // on the command line: a word, not an option
  bool required = false;
  std::vector<std::string_view> choices = {};  // empty: any
};

struct Verb {
  std::string_view name;  // "/api/v1/NAME"
  std::string_view doc;
  bool changes;                    // POST, for those who operate, one line in the log; else GET
  std::vector<Field> answer = {};  // if it is done
  std::vector<Parameter> parameters = {};

  // It may be sent a configuration, and is POSTed then. It tells whether secrets are equal, so that is for those who
  // operate.
  bool takes_configuration() const;
};

std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);  // null if there is none

}  // namespace postigo
