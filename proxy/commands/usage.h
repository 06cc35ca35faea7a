// The command line as data, read off its parser: what completion scripts and manual pages are made of, so that none of
// them can know an option that the program does not.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace postigo::commands {

// An option, or an argument: a word that is known by its place.
struct Word {
  std::vector<std::string> names;  // "-c", "--config"; of an argument the one name that people read: "USER"
  std::string value;               // what stands for the value: "FILE"; empty: a flag
  std::string doc;
  bool required = false;
  std::vector<std::string> choices;  // empty: any value

  bool is_file() const { return value == "FILE" || value == "PATH"; }
};

struct Usage {
  std::string name;
  std::string doc;
  std::vector<Word> options;  // with those of the command above, where they may stand behind this one, too
  std::vector<Word> arguments;
  std::vector<Usage> commands;  // hidden ones are left out
};

// Of the whole program, or of one command and all below it.
Usage usage_of(const CLI::App& app);

// Null if there is none of this name.
const Usage* find_command(const Usage& usage, const std::string& name);

}  // namespace postigo::commands
