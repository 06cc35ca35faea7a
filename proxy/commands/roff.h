// Text for mdoc(7): what of it is text, and what is a request.
#pragma once

#include <string>
#include <string_view>

#include "proxy/commands/usage.h"

namespace postigo::commands::roff {

// Prose in lines of at most 80 columns, ended by a newline. `words` between backticks become bold; nothing in it is
// taken for a request or an escape.
std::string prose(std::string_view text);

// One word for a macro's line: "--config" is not a macro, and its hyphens can be searched for.
std::string word(std::string_view text);

// ".Fl c , Fl \-config Ar FILE", without the dot.
std::string option(const Word& option);

// "Ar USER", or "Cm drain | down" where only some words are known; in brackets if it may be left out.
std::string argument(const Word& argument);

}  // namespace postigo::commands::roff
