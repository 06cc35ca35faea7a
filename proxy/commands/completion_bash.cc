// The script for bash: a table of what may stand where, and one function that walks along the line.
#include <fmt/format.h>

#include "proxy/commands/completion.h"

namespace postigo::commands {
namespace {

constexpr const char* kHeadBash = R"(# bash completion of postigo, printed by `postigo completion bash`.

# Behind "COMMAND": its commands; "COMMAND -": its options; "COMMAND --option" and "COMMAND 2": the values of an option
# and of the second argument. "@file": a file; nothing: nobody knows.
declare -gA _postigo_words=(
)";

constexpr const char* kTailBash = R"script()

_postigo() {
  local path=postigo option='' arguments=0 current=${COMP_WORDS[COMP_CWORD]} word words key i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]} key="$path ${COMP_WORDS[i]}"
    if [[ $word == = ]]; then
      continue # bash cuts --option=value in three
    elif [[ -n $option ]]; then
      option=''
    elif [[ $word == -* ]]; then
      [[ -z ${_postigo_words[$key]+known} ]] || option=$word
    elif [[ " ${_postigo_words[$path]-} " == *" $word "* ]]; then
      path=$key
    else
      arguments=$((arguments + 1))
    fi
  done
  [[ $current != = ]] || current=''
  if [[ -n $option ]]; then
    key="$path $option"
  elif [[ -n ${_postigo_words[$path]-} ]]; then
    key=$path
  else
    key="$path $((arguments + 1))"
  fi
  [[ -n $option || $current != -* && -n ${_postigo_words[$key]+known} ]] || key="$path -"
  words=${_postigo_words[$key]-}
  COMPREPLY=()
  if [[ $words == @file ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}

complete -F _postigo postigo
)script";

std::string row(const std::string& key, const std::string& words) {
  return fmt::format("  [{}]={}\n", in_shell_quotes(key), in_shell_quotes(words));
}

std::string values_of(const Word& word) { return word.is_file() ? "@file" : joined(word.choices); }

void add_bash_command(const Usage& command, const std::string& path, std::string& out) {
  std::vector<std::string> below, options;
  for (const Usage& each : command.commands) below.push_back(each.name);
  if (!below.empty()) out += row(path, joined(below));
  for (const Word& option : command.options) {
    for (const std::string& name : option.names) {
      options.push_back(name);
      if (!option.value.empty()) out += row(path + ' ' + name, values_of(option));
    }
  }
  out += row(path + " -", joined(options));
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    out += row(fmt::format("{} {}", path, i + 1), values_of(command.arguments[i]));
  }
  for (const Usage& each : command.commands) add_bash_command(each, path + ' ' + each.name, out);
}

}  // namespace

std::string bash_completion(const Usage& program) {
  std::string out = kHeadBash;
  add_bash_command(program, "postigo", out);
  return out + kTailBash;
}

}  // namespace postigo::commands
