// The script for fish: a function that tells which command the line has come to, and one `complete` for each word.
#include <fmt/format.h>

#include "proxy/commands/completion.h"

namespace postigo::commands {
namespace {

constexpr const char* kHeadFish = R"(# fish completion of postigo, printed by `postigo completion fish`.

)";

constexpr const char* kWalkFish = R"(
# Prints the command that the line has come to, and how many arguments stand behind it: "ctl backend 1".
function __postigo_place
    set -l path ''
    set -l arguments 0
    set -l value no
    for word in (commandline -opc)[2..-1]
        set -l key (string trim -- "$path $word")
        if test $value = yes
            set value no
        else if string match -q -- '-*' $word
            contains -- $key $__postigo_valued; and set value yes
        else if contains -- $key $__postigo_commands
            set path $key
        else
            set arguments (math $arguments + 1)
        end
    end
    string trim -- "$path $arguments"
end

function __postigo_at
    test (__postigo_place) = "$argv"
end

function __postigo_in
    string match -qr -- "^$argv *\d+\$" (__postigo_place)
end

complete -c postigo -f
)";

// A word of fish's: a backslash means something inside its quotes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

std::string below(const std::string& path, const std::string& name) { return path.empty() ? name : path + ' ' + name; }

// `see` is called with every command and its path.
template <typename See>
void walk(const Usage& command, const std::string& path, See see) {
  see(command, path);
  for (const Usage& each : command.commands) walk(each, below(path, each.name), see);
}

std::string option_row(const Word& option, const std::string& path) {
  std::string out = fmt::format("complete -c postigo -n {}", quoted("__postigo_in " + in_shell_quotes(path)));
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) out += option.is_file() ? " -r -F" : " -x";
  if (!option.choices.empty()) out += " -a " + quoted(joined(option.choices));
  return out + " -d " + quoted(option.doc) + '\n';
}

std::string argument_row(const std::string& at, const std::string& words, const std::string& doc) {
  return fmt::format("complete -c postigo -n {} {} -d {}\n", quoted("__postigo_at " + at), words, quoted(doc));
}

std::string rows(const Usage& command, const std::string& path) {
  std::string out;
  for (const Word& option : command.options) out += option_row(option, path);
  for (const Usage& each : command.commands) out += argument_row(below(path, "0"), "-a " + each.name, each.doc);
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    const Word& argument = command.arguments[i];
    if (!argument.is_file() && argument.choices.empty()) continue;
    std::string words = argument.is_file() ? "-F" : "-a " + quoted(joined(argument.choices));
    out += argument_row(below(path, std::to_string(i)), words, argument.doc);
  }
  return out;
}

}  // namespace

std::string fish_completion(const Usage& program) {
  std::string commands, valued, all;
  walk(program, "", [&](const Usage& command, const std::string& path) {
    if (!path.empty()) commands += ' ' + quoted(path);
    for (const Word& option : command.options) {
      if (option.value.empty()) continue;
      for (const std::string& name : option.names) valued += ' ' + quoted(below(path, name));
    }
    all += rows(command, path);
  });
  return fmt::format("{}set -g __postigo_commands{}\nset -g __postigo_valued{}\n{}{}", kHeadFish, commands, valued,
                     kWalkFish, all);
}

}  // namespace postigo::commands
