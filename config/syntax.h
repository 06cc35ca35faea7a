// What a person most likely did when the TOML parser stops, in words. The parser's own are about characters.
#pragma once

#include <string>
#include <string_view>

namespace postigo::config {

// `line` is where the parser stopped, `description` what it said. Never holds more of the line than one character: a
// password may stand there.
std::string explain_syntax(std::string_view line, std::string_view description);

}  // namespace postigo::config
