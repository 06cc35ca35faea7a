// A thin, safe face of SQLite: open, prepare, bind, step. Shared by the driver (sqlite.cc) and the store
// (sqlite_store.cc). Every value goes in as a bound parameter; SQL text is constant (A5).
//
// An object belongs to one thread at a time. Everything blocks.
//
// Nothing but SQLite may open a database file: closing any descriptor of a file drops all POSIX locks that the process
// has on it, also those of SQLite's own descriptors (A35).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/directory/app_password.h"
#include "backends/directory/entry.h"
#include "parser/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace postigo {

// A prepared statement. It must not outlive its Database.
class Statement {
 public:
  void bind(int index, std::string_view text);  // from 1; copies
  void bind(int index, int64_t number);
  void bind_null(int index);

  Result<bool> step();  // true: a row is there; false: done
  std::string text(int column) const;
  int64_t number(int column) const;
  void reset();  // for the next step(); forgets what was bound

 private:
  friend class Database;
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalise> statement_;
};

class Database {
 public:
  enum class Mode {
    lookup,    // must exist, with our schema or an older one; refuses changes
    existing,  // must exist; an older schema is brought up to date
    create,    // made, with mode 0600, if it does not exist
  };
  struct Owner {
    uid_t user;
    gid_t group;
  };
  // `owner`: who gets a new file; nobody: who we are. Others than ourselves only if we are root.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode, std::optional<Owner> owner = {});

  // False once the file at the path is another one, or is gone. Otherwise sees what anybody has written into it.
  bool refresh();

  Result<Statement> prepare(std::string_view sql);
  Result<void> run(const char* sql);
  // Runs `work` in one transaction that holds the write lock: all of it counts, or nothing. Waits for other programs
  // that use the file, for some five seconds; `work` may run several times then.
  Result<void> change(const std::function<Result<void>()>& work);
  Result<int64_t> number(const char* sql);  // the first column of the first row
  int64_t changes() const;                  // rows that the last statement changed
  int64_t schema() const { return schema_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct FileId {
    uint64_t device = 0, inode = 0;
    bool operator==(const FileId&) const = default;
  };
  struct FileState {
    int64_t size = 0, changed_s = 0, changed_ns = 0;
    bool operator==(const FileState&) const = default;
  };
  struct File {
    FileId id;
    FileState state;
  };

  explicit Database(std::string path) : path_(std::move(path)) {}
  Result<void> connect(Mode mode);
  Result<void> open_handle();
  void leave_wal();
  Result<void> check_schema();
  Result<void> migrate();
  Result<void> migrate_once();
  Result<void> change_once(const std::function<Result<void>()>& work, bool& busy);
  static Result<File> identify(const std::string& path);

  std::string path_;
  File file_;
  int64_t schema_ = 0;
  std::unique_ptr<sqlite3, Close> handle_;
};

// "SELECT ... FROM users" of a schema, and one of its rows; an Error if somebody else has written nonsense into it.
std::string select_entries(int64_t schema);
Result<Entry> entry_from(const Statement& row, int64_t schema);

// Those of ?1, and the rows that came.
inline constexpr int64_t kSchemaWithAppPasswords = 2;
inline constexpr std::string_view kSelectAppPasswords =
    "SELECT label, hash, protocols, networks, valid_until, used FROM app_passwords WHERE name = ?1 ORDER BY label";
Result<std::vector<AppPassword>> app_passwords_from(Statement& statement);

}  // namespace postigo
