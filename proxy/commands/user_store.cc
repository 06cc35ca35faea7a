// Finds the directory and opens it. Not here: what is done with it (user.cc, user_files.cc, user_app_password.cc).
#include "proxy/commands/user_store.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <ostream>
#include <utility>
#include <vector>

#include "config/suggest.h"
#include "proxy/commands/configuration.h"
#include "proxy/control/privileges.h"

namespace postigo::commands {

namespace {

Result<const config::Directory*> find_directory(const config::Auth& auth, const std::string& name) {
  const config::Directory* found = nullptr;
  std::vector<std::string> names;
  for (const config::Directory& directory : auth.directories) {
    if (directory.type != config::Directory::Type::sqlite) continue;
    names.push_back(directory.name);
    if (name.empty() || directory.name == name) found = &directory;
  }
  if (names.empty()) return fail("the configuration has no [[directory]] of type \"sqlite\"");
  if (name.empty() && names.size() > 1) return fail("say with --directory which one: " + config::one_of(names));
  if (found == nullptr)
    return fail("there is no SQLite directory " + config::in_quotes(name) + config::did_you_mean(name, names));
  return found;
}

// Root makes a new database for the account that the server becomes.
std::optional<Database::Owner> owner_of_new_files(const config::Startup& startup) {
  const passwd* account = startup.user.empty() ? nullptr : ::getpwnam(startup.user.c_str());
  if (account == nullptr || ::geteuid() != 0) return std::nullopt;
  const group* named = startup.group.empty() ? nullptr : ::getgrnam(startup.group.c_str());
  return Database::Owner{account->pw_uid, named != nullptr ? named->gr_gid : account->pw_gid};
}

Result<std::string> named(const Router& router, const std::string& name) {
  auto known = router.names().entry(name);
  if (!known) return fail("no login has the name " + config::in_quotes(name) + ": " + known.error().message);
  return known;
}

}  // namespace

int failed(Streams io, const std::string& message) {
  io.err << "postigo: " << message << '\n';
  return kFailed;
}

Opened find_store(const UserOptions& options, Streams io) {
  forbid_core_files();
  Opened opened;
  opened.loaded = load_configuration(options.file, io);
  if (!opened.loaded) {
    opened.exit = kBadConfiguration;
    return opened;
  }
  const config::Live& live = opened.loaded->config.live;
  opened.router = std::make_unique<Router>(live);
  auto directory = find_directory(live.auth, options.directory);
  if (!directory) {
    opened.exit = failed(io, directory.error().message);
    return opened;
  }
  opened.directory = *directory;
  auto name = named(*opened.router, options.name), to = named(*opened.router, options.to);
  if (!name || !to) {
    opened.exit = failed(io, (name ? to : name).error().message);
    return opened;
  }
  opened.name = std::move(*name);
  opened.to = std::move(*to);
  return opened;
}

void open_store(Opened& opened, SqliteStore::Missing missing, Streams io) {
  auto owner = owner_of_new_files(opened.loaded->config.startup);
  auto store = SqliteStore::open(opened.directory->path, missing, owner);
  if (store) opened.store = std::move(*store);
  if (!store) opened.exit = failed(io, store.error().message);
}

Opened open_store(const UserOptions& options, SqliteStore::Missing missing, Streams io) {
  Opened opened = find_store(options, io);
  if (opened.exit == kOk) open_store(opened, missing, io);
  return opened;
}

std::string placement_fault(const Opened& opened, const std::string& pool, const std::string& shard) {
  Identity identity;
  identity.pool = pool;
  identity.shard = shard;
  std::string fault;
  for (const Protocol& each : protocols()) {
    auto route = opened.router->route(identity, each.name);
    if (route) return {};
    if (fault.empty()) fault = route.error().message;
  }
  return fault;
}

}  // namespace postigo::commands
