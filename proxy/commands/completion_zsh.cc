// The script for zsh: one function of _arguments for each command. It works from a folder of $fpath and by source.
#include <fmt/format.h>

#include <algorithm>

#include "proxy/commands/completion.h"

namespace postigo::commands {
namespace {

constexpr const char* kHeadZsh = R"(#compdef postigo
# zsh completion of postigo, printed by `postigo completion zsh`.

)";

constexpr const char* kTailZsh = R"(if [[ ${funcstack[1]} == _postigo ]]; then
  _postigo "$@"
else
  compdef _postigo postigo
fi
)";

constexpr const char* kBelow = R"(  case $state in
    command)
      local -a commands=(
{}      )
      _describe -t commands command commands
      ;;
    rest) (( $+functions[{}_${{words[1]}}] )) && {}_${{words[1]}} ;;
  esac
)";

// A colon ends a part of a specification, a bracket an explanation.
std::string escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string action(const Word& word) {
  if (word.is_file()) return "_files";
  return word.choices.empty() ? " " : '(' + joined(word.choices) + ')';
}

std::string specification(const std::string& text) { return " \\\n    " + in_shell_quotes(text); }

std::string option_rows(const Word& option) {
  std::string rows;
  for (const std::string& name : option.names) {
    std::string text = option.names.size() > 1 ? '(' + joined(option.names) + ')' : "";
    text += name;
    if (!option.value.empty() && name.starts_with("--")) text += '=';
    text += '[' + escaped(option.doc, "[]") + ']';
    if (!option.value.empty()) text += ':' + option.value + ':' + action(option);
    rows += specification(text);
  }
  return rows;
}

std::string commands_below(const Usage& command, const std::string& function) {
  std::string rows;
  for (const Usage& each : command.commands) {
    rows += fmt::format("        {}\n", in_shell_quotes(each.name + ':' + escaped(each.doc, ":")));
  }
  return fmt::format(kBelow, rows, function, function);
}

void add_zsh_command(const Usage& command, const std::string& function, std::string& out) {
  out += fmt::format("{}() {{\n", function);
  if (!command.commands.empty()) out += "  local context state state_descr line\n  local -A opt_args\n";
  out += "  _arguments -C :";
  for (const Word& option : command.options) out += option_rows(option);
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    const Word& argument = command.arguments[i];
    const char* optional = argument.required ? "" : ":";
    out += specification(fmt::format("{}:{}{}:{}", i + 1, optional, escaped(argument.doc, ":"), action(argument)));
  }
  if (command.commands.empty()) {
    out += "\n}\n\n";
    return;
  }
  out += specification("1:command:->command") + specification("*::argument:->rest") + '\n';
  out += commands_below(command, function) + "}\n\n";
  for (const Usage& each : command.commands) add_zsh_command(each, function + '_' + each.name, out);
}

}  // namespace

std::string zsh_completion(const Usage& program) {
  std::string out = kHeadZsh;
  add_zsh_command(program, "_postigo", out);
  return out + kTailZsh;
}

}  // namespace postigo::commands
