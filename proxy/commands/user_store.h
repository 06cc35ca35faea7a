// What all of `postigo user` needs: the directory that is meant, its store, and names as logins have them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backends/directory/sqlite_store.h"
#include "backends/router.h"
#include "config/load.h"
#include "proxy/commands/commands.h"

namespace postigo::commands {

int failed(Streams io, const std::string& message);  // says so; the exit code

// Everything that a change needs, or the exit code.
struct Opened {
  std::optional<config::Loaded> loaded;
  const config::Directory* directory = nullptr;
  std::unique_ptr<Router> router;
  std::unique_ptr<SqliteStore> store;
  std::string name, to;  // UserOptions', as logins have them, or "@example.com"
  int exit = kOk;
};

Opened find_store(const UserOptions& options, Streams io);  // all but the store
void open_store(Opened& opened, SqliteStore::Missing missing, Streams io);
Opened open_store(const UserOptions& options, SqliteStore::Missing missing, Streams io);

// Whether logins with this placement would find a shard; empty if so.
std::string placement_fault(const Opened& opened, const std::string& pool, const std::string& shard);

}  // namespace postigo::commands
