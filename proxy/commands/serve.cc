// `postigo serve`: from the file to the server. Secrets are read here, so core files are forbidden first (A33).
#include <ostream>
#include <utility>

#include "config/secrets.h"
#include "proxy/commands/configuration.h"
#include "proxy/control/activation.h"
#include "proxy/control/control.h"
#include "proxy/control/privileges.h"

namespace postigo::commands {
namespace {

// What the environment brings, or else, if that is wanted, the one that runs.
Result<Inheritance> inheritance_of(const ServeOptions& options, const config::Config& config) {
  auto inheritance = inherit();
  bool given = inheritance && (inheritance->predecessor.get() >= 0 || !inheritance->estate.sockets.empty());
  if (!inheritance || given || !options.takeover) return inheritance;
  const std::string& socket = config.startup.admin.socket;
  if (socket.empty()) return fail("--takeover needs [admin] socket: it is how the one that runs is asked");
  return take_over(socket);
}

Inherited names_of(const Sockets& sockets) {
  Inherited names;
  for (const auto& [name, each] : sockets) names.insert(name);
  return names;
}

}  // namespace

int serve(const ServeOptions& options, Streams io) {
  forbid_core_files();
  auto loaded = load_configuration(options.file, io);
  if (!loaded) return kBadConfiguration;
  auto inheritance = inheritance_of(options, loaded->config);
  if (!inheritance) {
    io.err << "postigo: cannot start: " << inheritance.error().message << '\n';
    return kFailed;
  }
  auto activated = endpoints_of(inheritance->estate.names);
  place(activated, loaded->config.live);
  const Estate& estate = inheritance->estate;
  auto prepared = prepare_configuration(*loaded, io, {Purpose::serve, names_of(estate.sockets), estate.services});
  if (!prepared) return kBadConfiguration;
  prepared->lasting->activated = std::move(activated);
  config::Config config = std::move(loaded->config);
  loaded.reset();
  config::forget_in_environment(config.live.auth.backend_login.master_password);
  for (const config::ApiToken& each : config.live.tokens) config::forget_in_environment(each.token);
  wipe_stack();  // short values of the file went over it
  io.err.flush();
  return postigo::serve(options.file, std::move(config), std::move(*prepared), std::move(*inheritance));
}

}  // namespace postigo::commands
