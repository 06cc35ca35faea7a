// One line of TOML, read as far as its quotes: what stands outside of strings and comments. Not here: a parser of TOML.
#pragma once

#include <cstddef>
#include <string_view>

namespace postigo::config {

struct OutsideStrings {
  size_t dots = 0;
  bool open_quote = false;  // a string is not closed; not one of several lines, which may go on
};

OutsideStrings outside_strings(std::string_view line);

}  // namespace postigo::config
