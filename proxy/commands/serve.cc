// `postigo serve`: from the file to the server. Secrets are read here, so core files are forbidden first (A33).
#include <utility>

#include "config/secrets.h"
#include "proxy/commands/configuration.h"
#include "proxy/control/control.h"
#include "proxy/control/privileges.h"

namespace postigo::commands {

int serve(const std::string& file, Streams io) {
  forbid_core_files();
  auto loaded = load_configuration(file, io);
  if (!loaded) return kBadConfiguration;
  auto prepared = prepare_configuration(*loaded, io);
  if (!prepared) return kBadConfiguration;
  config::Config config = std::move(loaded->config);
  loaded.reset();
  config::forget_in_environment(config.live.auth.backend_login.master_password);
  for (const config::ApiToken& each : config.live.tokens) config::forget_in_environment(each.token);
  wipe_stack();  // short values of the file went over it
  io.err.flush();
  return postigo::serve(file, std::move(config), std::move(*prepared));
}

}  // namespace postigo::commands
