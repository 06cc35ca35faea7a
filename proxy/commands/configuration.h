// The configuration as the commands need it: loaded, told about, and checked as deeply as asked.
#pragma once

#include <optional>
#include <string>

#include "config/load.h"
#include "proxy/commands/commands.h"

namespace postigo::commands {

// Loads the file and writes all problems, warnings too, to `err`. Regexes are compiled. Nothing if there is an error.
std::optional<config::Loaded> load_configuration(const std::string& file, Streams io);

// What only the libraries can judge: certificates, ciphers, stored passwords, databases, accounts. Blocking.
// REQUIRES: `loaded` came from load_configuration. False if there is an error; all are written to `err`.
bool check_contents(const config::Loaded& loaded, Streams io);

}  // namespace postigo::commands
