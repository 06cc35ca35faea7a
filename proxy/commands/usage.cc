// Not here: which options there are (options.cc).
#include "proxy/commands/usage.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>

namespace postigo::commands {
namespace {

// CLI11 shows what a value may be as "TYPE:{one,two}".
std::vector<std::string> choices_of(const std::string& type) {
  size_t begin = type.find('{'), end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c == '-' || c == '_' ? '_' : std::toupper(static_cast<unsigned char>(c)));
  return text;
}

Word word_of(const CLI::Option& option) {
  Word word;
  for (const std::string& name : option.get_snames()) word.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) word.names.push_back("--" + name);
  std::string plain = option.get_positional()       ? option.get_name(true)
                      : option.get_lnames().empty() ? option.get_snames().front()
                                                    : option.get_lnames().front();
  if (option.get_positional()) word.names = {upper(plain)};
  std::string type = option.get_type_name();
  if (option.get_items_expected_max() > 0) {
    std::string shown = type.substr(0, type.find(':'));
    word.value = shown.empty() || option.get_positional() ? upper(plain) : shown;
  }
  word.doc = option.get_description();
  word.required = option.get_required();
  word.choices = choices_of(type);
  return word;
}

void add_missing(std::vector<Word>& to, const std::vector<Word>& from) {
  for (const Word& word : from) {
    bool known =
        std::any_of(to.begin(), to.end(), [&](const Word& own) { return own.names.back() == word.names.back(); });
    if (!known) to.push_back(word);
  }
}

Usage usage_below(const CLI::App& app, const std::vector<Word>& above) {
  Usage usage{app.get_name(), app.get_description(), {}, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->get_positional() ? usage.arguments : usage.options).push_back(word_of(*option));
  }
  std::vector<Word> own = app.get_parent() != nullptr ? usage.options : std::vector<Word>{};
  if (app.get_fallthrough()) add_missing(usage.options, above);
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) usage.commands.push_back(usage_below(*command, own));
  }
  return usage;
}

}  // namespace

Usage usage_of(const CLI::App& app) { return usage_below(app, {}); }

const Usage* find_command(const Usage& usage, const std::string& name) {
  for (const Usage& command : usage.commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace postigo::commands
