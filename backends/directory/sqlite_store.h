// SqliteStore: the writing side of the embedded directory, for `postigo user add|set|del|list|import`.
//
// Blocks; one thread. A running proxy sees each change with the next login. Names must be normalised by the caller
// (Router::normalise), or logins will not find them. Passwords are stored forms (password.h: make_password).
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/directory/app_password.h"
#include "backends/directory/entry.h"
#include "backends/directory/sqlite_db.h"
#include "backends/directory/user_file.h"
#include "parser/base/result.h"

namespace postigo {

class SqliteStore {
 public:
  enum class Missing { error, create };  // what to do if there is no file; a new one has mode 0600
  // `owner` of a new file: the account that looks users up, if that is not ours.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, Missing missing,
                                                   std::optional<Database::Owner> owner = {});
  ~SqliteStore();

  Result<void> add(const Entry& entry);  // fails if the name exists

  struct Change {  // what is not set stays
    std::optional<std::string> password = {}, pool = {}, shard = {}, backend_user = {};
    std::optional<bool> disabled = {};
    std::vector<std::pair<std::string, std::string>> fields = {};  // any others, by name (fields.h)
  };
  Result<void> set(std::string_view name, const Change& change);    // fails if the name does not exist
  Result<void> del(std::string_view name);                          // fails if the name does not exist
  Result<void> rename(std::string_view from, std::string_view to);  // with his passwords; fails if `to` exists

  Result<std::optional<Entry>> find(std::string_view name);
  Result<void> list(const std::function<void(const Entry&)>& each);  // by name; `each` must not use the store

  // Passwords for programs, of a user who exists; labels are his own and unique.
  Result<void> add_app_password(std::string_view name, const AppPassword& password);
  Result<void> revoke_app_password(std::string_view name, std::string_view label);
  Result<std::vector<AppPassword>> app_passwords(std::string_view name);

  struct Report {
    size_t added = 0, replaced = 0;
    std::vector<LineProblem> problems;  // not empty: nothing was stored
  };
  // All or nothing. A name that exists is a problem unless `replace`; a name that is twice in the file always is.
  Result<Report> import(const UserFile& file, bool replace);

 private:
  explicit SqliteStore(std::unique_ptr<Database> database);
  Result<void> change(std::string_view sql, std::initializer_list<std::string_view> values, const std::string& none);
  Result<void> apply(std::string_view name, const Change& change);
  Result<void> import_all(const UserFile& file, bool replace, Report& report);
  std::unique_ptr<Database> database_;
};

}  // namespace postigo
