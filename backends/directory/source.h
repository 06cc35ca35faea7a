// DirectorySource: one configured directory, shared by all workers: what is heavy or must exist once (tables, files,
// connections). Immutable or locked inside; every worker makes its own Directory from it.
#pragma once

#include <memory>
#include <string>

#include "backends/directory.h"
#include "backends/env.h"
#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

class CacheStore;

class DirectorySource : public std::enable_shared_from_this<DirectorySource> {
 public:
  virtual ~DirectorySource() = default;

  // For one worker. The Directory and its pending look-ups keep this source alive.
  virtual std::unique_ptr<Directory> make(Env& env) const = 0;

  // A stored password as this directory's users have them (scheme and cost are what matters): what is hashed for a
  // user who does not exist (A22). Never empty.
  virtual std::string decoy() const = 0;

  // What is wrong and may mend itself: one line for the operator; empty: nothing. Asked when it was loaded, and now and
  // then, on a thread that must not wait.
  virtual std::string warning() const { return {}; }

  // False: who checks passwords here is somebody else (a bind, PAM). Then the chain spends the hash, if any directory
  // of it spends one (A22).
  virtual bool hashes() const { return true; }

  // Whether Query::circumstances are looked at: then they are collected for each login.
  virtual bool curious() const { return false; }

  // What is kept of its answers; null: nothing is.
  virtual CacheStore* cache() const { return nullptr; }
};

using SharedSource = std::shared_ptr<const DirectorySource>;

// A row of the table of drivers (factory.cc). `load` blocks: it opens files and databases.
struct DirectoryDriver {
  config::Directory::Type type;
  Result<SharedSource> (*load)(const config::Directory& from);
};

Result<SharedSource> load_static_directory(const config::Directory& from);
Result<SharedSource> load_sqlite_directory(const config::Directory& from);
Result<SharedSource> load_http_directory(const config::Directory& from);
Result<SharedSource> load_postgresql_directory(const config::Directory& from);
Result<SharedSource> load_mysql_directory(const config::Directory& from);
Result<SharedSource> load_redis_directory(const config::Directory& from);
Result<SharedSource> load_oauth_directory(const config::Directory& from);
Result<SharedSource> load_ldap_directory(const config::Directory& from);
Result<SharedSource> load_pam_directory(const config::Directory& from);
Result<SharedSource> load_passwd_file_directory(const config::Directory& from);

}  // namespace postigo
