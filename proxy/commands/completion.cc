// `postigo completion SHELL`. Not here: what a shell makes of it (completion_bash.cc, _zsh.cc, _fish.cc).
#include "proxy/commands/completion.h"

#include <ostream>

#include "proxy/commands/commands.h"

namespace postigo::commands {

std::string in_shell_quotes(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

int completion(const std::string& shell, const Usage& program, Streams io) {
  io.out << (shell == "bash"  ? bash_completion(program)
             : shell == "zsh" ? zsh_completion(program)
                              : fish_completion(program));
  return kOk;
}

}  // namespace postigo::commands
