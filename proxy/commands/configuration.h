// The configuration as the commands need it: loaded, told about, and checked as deeply as asked.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/load.h"
#include "proxy/commands/commands.h"
#include "proxy/control/preparation.h"

namespace postigo::commands {

// Loads the file and writes all problems, warnings too, to `err`. Regexes are compiled. Nothing if there is an error.
std::optional<config::Loaded> load_configuration(const std::string& file, Streams io);

// What only the machine and the libraries can judge (preparation.h). Nothing if there is an error; everything is
// written to `err`. REQUIRES: `loaded` came from load_configuration.
std::optional<Prepared> prepare_configuration(const config::Loaded& loaded, Streams io, const Given& given = {});

// Null if there is an error; everything is written to `err`. Blocking.
std::shared_ptr<const DirectoryShared> open_directories(const config::Loaded& loaded, Streams io);

// While it lives, files are opened and servers are asked as the account that serves would, if we may become it.
class AsAccount {
 public:
  explicit AsAccount(const config::Loaded& loaded);

 private:
  config::Problems problems_;  // whoever may not become it asks as himself
  Impersonation impersonation_;
};

}  // namespace postigo::commands
