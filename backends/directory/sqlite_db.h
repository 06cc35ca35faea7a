// A thin, safe face of SQLite: open, prepare, bind, step. Shared by the driver (sqlite.cc) and the store
// (sqlite_store.cc). Every value goes in as a bound parameter; SQL text is constant (A5).
//
// An object belongs to one thread at a time. Everything blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
    lookup,    // must exist with our current schema; is not written to
    existing,  // must exist; an older schema is brought up to date
    create,    // made, with mode 0600, if it does not exist
  };
  static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode);

  // False once another file stands at the path, or none.
  bool is_current() const;

  Result<Statement> prepare(std::string_view sql);
  Result<void> run(const char* sql);
  Result<int64_t> number(const char* sql);  // the first column of the first row
  int64_t changes() const;                  // rows that the last statement changed

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct FileId {
    uint64_t device = 0, inode = 0;
    bool operator==(const FileId&) const = default;
  };

  explicit Database(std::string path) : path_(std::move(path)) {}
  Result<void> connect(Mode mode);
  Result<void> check_schema();
  Result<void> migrate();
  static std::optional<FileId> identify(const std::string& path);

  std::string path_;
  FileId id_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// "SELECT ... FROM users", and one of its rows.
std::string select_entries();
Entry entry_from(const Statement& row);

// Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);  // takes the write lock at once
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction(const Transaction&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace postigo
