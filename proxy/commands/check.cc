// `postigo check`: everything that is wrong with a configuration, or in one line what it holds. Starts nothing, and
// connects to nobody unless it is told to (connect.cc).
#include <ostream>

#include <fmt/format.h>

#include "config/dump.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/connect.h"

namespace postigo::commands {

namespace {

std::string counted(size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string summary(const config::Config& config) {
  const config::Live& live = config.live;
  size_t shards = 0;
  for (const config::Pool& pool : live.pools) shards += pool.shards.size();
  return fmt::format("{}, {}, {} with {}, {}, {}", counted(config.live.listeners.size(), "listener", "listeners"),
                     counted(live.backends.size(), "backend", "backends"), counted(live.pools.size(), "pool", "pools"),
                     counted(shards, "shard", "shards"), counted(live.routing.rules.size(), "rule", "rules"),
                     counted(live.auth.directories.size(), "directory", "directories"));
}

}  // namespace

int check(const CheckOptions& options, Streams io) {
  auto loaded = load_configuration(options.file, io);
  if (!loaded) return kBadConfiguration;
  if (options.dump) io.out << config::dump(loaded->config);
  if (options.connect) look_deeper(loaded->config);
  const Purpose purpose = options.connect ? Purpose::serve : Purpose::check;  // names of services are asked for
  auto prepared = prepare_configuration(*loaded, io, {purpose, {}, {}});
  if (!prepared) return kBadConfiguration;
  if (options.connect) return connect(*loaded, *prepared, options.json, io);
  if (!options.dump) io.out << options.file << ": ok (" << summary(loaded->config) << ")\n";
  if (!options.against_running) return kOk;
  CtlOptions running{.file = options.file, .socket = options.socket, .verb = "diff"};
  running.parameters = {{"configuration", options.file}};
  return ctl(running, io);
}

}  // namespace postigo::commands
