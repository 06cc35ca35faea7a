// `postigo serve`: from the file to the server. Secrets are read here, so core files are forbidden first (A33).
#include <utility>

#include "proxy/commands/configuration.h"
#include "proxy/commands/process.h"
#include "proxy/server.h"

namespace postigo::commands {

int serve(const std::string& file, Streams io) {
  forbid_core_files();
  auto loaded = load_configuration(file, io);
  if (!loaded) return kBadConfiguration;
  config::Config config = std::move(loaded->config);
  loaded.reset();
  io.err.flush();
  return postigo::serve(std::move(config));
}

}  // namespace postigo::commands
