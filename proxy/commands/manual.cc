// `postigo manual PAGE`: the manual pages, made of the command line, of ctl's verbs and of the configuration's keys.
// Not shown in the help: the build calls it.
#include <fmt/format.h>

#include <ostream>

#include "config/docs.h"
#include "proxy/commands/commands.h"
#include "proxy/commands/manual_text.h"
#include "proxy/commands/roff.h"

namespace postigo::commands {
namespace {

std::string header(const char* title, const char* section, const char* name, const char* what) {
  return fmt::format(".Dd {}\n.Dt {} {}\n.Os\n.Sh NAME\n.Nm {}\n.Nd {}\n", text::kDate, title, section, name, what);
}

std::string option_list(const std::vector<Word>& options) {
  std::string out;
  for (const Word& option : options) {
    if (option.names.back().starts_with("--help")) continue;  // every command has them
    out += fmt::format(".It {}\n{}", roff::option(option), roff::prose(option.doc + '.'));
  }
  return out.empty() ? "" : ".Bl -tag -width Ds -compact\n" + out + ".El\n";
}

std::string arguments_of(const Usage& command) {
  std::string out;
  for (const Word& argument : command.arguments) out += ' ' + roff::argument(argument);
  return out;
}

// One command as an item of a list: how it is called, what it does, its arguments and its own options.
std::string item(const Usage& command, const std::string& path, const std::vector<Word>& options) {
  std::string out = fmt::format(".It Cm {}{}\n{}", path, arguments_of(command), roff::prose(command.doc + '.'));
  for (const Word& argument : command.arguments) {
    out += roff::prose(fmt::format("{}: {}.", argument.names.front(), argument.doc));
  }
  return out + option_list(options);
}

std::string items(const Usage& command, const std::string& path) {
  if (command.commands.empty()) return item(command, path, command.options);
  std::string out;
  for (const Usage& each : command.commands) out += items(each, path + (path.empty() ? "" : " ") + each.name);
  return out;
}

std::string list(const std::string& items) { return ".Bl -tag -width Ds\n" + items + ".El\n"; }

std::string program_page(const Usage& program) {
  std::string commands;
  for (const Usage& each : program.commands) {
    commands += each.name == "ctl" ? text::kCtlInBrief : items(each, each.name);
  }
  return header("POSTIGO", "8", "postigo", text::kProgramIs) + text::kProgramSynopsis + text::kProgramDescription +
         ".Sh OPTIONS\n" + option_list(program.options) + ".Sh COMMANDS\n" + list(commands) + text::kProgramEnd;
}

// Those options that only this verb has.
std::vector<Word> own_options(const Usage& verb, const Usage& ctl) {
  std::vector<Word> own;
  for (const Word& option : verb.options) {
    bool shared = false;
    for (const Word& other : ctl.options) shared = shared || other.names == option.names;
    if (!shared) own.push_back(option);
  }
  return own;
}

std::string ctl_page(const Usage& program) {
  const Usage& ctl = *find_command(program, "ctl");
  std::string verbs;
  for (const Usage& verb : ctl.commands) verbs += item(verb, verb.name, own_options(verb, ctl));
  return header("POSTIGO-CTL", "1", "postigo-ctl", text::kCtlIs) + text::kCtlSynopsis + text::kCtlDescription +
         ".Sh OPTIONS\n" + option_list(ctl.options) + ".Sh VERBS\n" + list(verbs) + text::kCtlEnd;
}

std::string key_item(const config::KeyDoc& key, size_t section_size) {
  std::string shown = key.path.substr(section_size);
  std::string value = key.default_value.empty() ? "" : ". Default: " + key.default_value;
  return fmt::format(".It Cm {}\n{}", roff::word(shown),
                     roff::prose(fmt::format("({}) {}{}.", key.type, key.doc, value)));
}

bool is_section(const config::KeyDoc& key) { return key.type == "table" || key.type == "array of tables"; }

std::string sections() {
  std::string out;
  size_t section_size = 0;
  const auto& keys = config::keys();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!is_section(keys[i])) {
      out += key_item(keys[i], section_size);
      continue;
    }
    if (i + 1 < keys.size() && is_section(keys[i + 1])) continue;  // holds tables only
    bool list = keys[i].type == "array of tables";
    if (section_size > 0) out += ".El\n";
    section_size = keys[i].path.size() + 1;
    out += fmt::format(".Ss {0}{1}{2}\\&\n{3}.Bl -tag -width Ds\n", list ? "[[" : "[", roff::word(keys[i].path),
                       list ? "]]" : "]", roff::prose(keys[i].doc + '.'));
  }
  return out + ".El\n";
}

std::string file_page() {
  return header("POSTIGO.TOML", "5", "postigo.toml", text::kFileIs) + text::kFileDescription + ".Sh KEYS\n" +
         sections() + text::kFileEnd;
}

}  // namespace

int manual(const std::string& page, const Usage& program, Streams io) {
  io.out << (page == "postigo.8" ? program_page(program) : page == "postigo-ctl.1" ? ctl_page(program) : file_page());
  return kOk;
}

}  // namespace postigo::commands
