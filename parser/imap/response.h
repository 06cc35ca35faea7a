// Reading what a backend says before login: status responses and capability lists (RFC 9051 7.1, 7.2.2).
#pragma once

#include <string>
#include <vector>

#include "parser/base/bytes.h"

namespace postigo::imap {

// Cuts the first word off `text`, with all blanks around it.
Bytes take_word(Bytes& text);

// "OK [CODE arguments] text", behind the tag or "* ". Every part may be missing (T33). Views into the line.
struct Status {
  Bytes word;  // "OK", "NO", ...
  Bytes code;  // without brackets
  Bytes text;
};
Status parse_status(Bytes line);

// The first word of a response code, in upper case.
std::string code_name(Bytes code);

// If `text` is "CAPABILITY name name ...": adds those names that are not in `names` yet, in upper case, because a list
// may come in several lines. Returns whether it is one.
bool parse_capabilities(Bytes text, std::vector<std::string>& names);

}  // namespace postigo::imap
