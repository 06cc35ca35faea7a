// Completion scripts of three shells, made of the command line as it is. Each is complete in itself: it needs no
// package of the shell's, and asks nobody while a line is typed.
#pragma once

#include <string>
#include <string_view>

#include "proxy/commands/usage.h"

namespace postigo::commands {

std::string bash_completion(const Usage& program);
std::string zsh_completion(const Usage& program);
std::string fish_completion(const Usage& program);

// For any of the three: 'it'\''s'.
std::string in_shell_quotes(std::string_view text);

// "a b c", all behind `before`.
std::string joined(const std::vector<std::string>& words, std::string_view between = " ");

}  // namespace postigo::commands
