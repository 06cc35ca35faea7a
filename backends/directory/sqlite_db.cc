// Opening, the schema and its migrations, and errors as one line for the operator. Not here: what is asked (sqlite.cc)
// and what is changed (sqlite_store.cc).
#include "backends/directory/sqlite_db.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace postigo {
namespace {

// Step i brings schema version i to i + 1 (PRAGMA user_version). Steps are only ever added.
constexpr const char* kMigrations[] = {
    R"(CREATE TABLE users (
         name TEXT NOT NULL PRIMARY KEY,          -- normalised; "@example.com" is the entry of a domain
         password TEXT NOT NULL DEFAULT '',       -- "{SCHEME}hash"; empty: none
         pool TEXT NOT NULL DEFAULT '',
         shard TEXT NOT NULL DEFAULT '',
         backend_user TEXT NOT NULL DEFAULT '',   -- empty: name
         disabled INTEGER NOT NULL DEFAULT 0,
         changed INTEGER NOT NULL DEFAULT (unixepoch())
       ) STRICT, WITHOUT ROWID)",
};
constexpr int64_t kSchema = std::size(kMigrations);
constexpr int64_t kApplicationId = 0x50737467;  // "Pstg": never touch somebody else's database

// Readers wait only for a checkpoint or for a writer outside WAL mode; they hold a pool thread meanwhile.
constexpr int kLookupBusyMs = 1000;
constexpr int kWriterBusyMs = 5000;

tl::unexpected<Error> error_of(sqlite3* handle) { return fail(sqlite3_errmsg(handle)); }

}  // namespace

void Statement::Finalise::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int index, std::string_view text) {
  const char* data = text.data() ? text.data() : "";  // a null pointer would be NULL
  sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind(int index, int64_t number) { sqlite3_bind_int64(statement_.get(), index, number); }

void Statement::bind_null(int index) { sqlite3_bind_null(statement_.get(), index); }

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return error_of(sqlite3_db_handle(statement_.get()));
  }
}

std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string(static_cast<const char*>(data), static_cast<size_t>(size)) : std::string();
}

int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

std::optional<Database::FileId> Database::identify(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

bool Database::is_current() const { return identify(path_) == id_; }

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode) {
  std::unique_ptr<Database> database(new Database(path));
  Result<void> opened = database->connect(mode);
  if (!opened) return fail(fmt::format("cannot open database {}: {}", path, opened.error().message));
  return database;
}

Result<void> Database::connect(Mode mode) {
  // SQLite would make the file readable for all and tell no reason; its -wal and -shm files inherit this one's mode.
  const int flags = O_RDONLY | O_CLOEXEC | (mode == Mode::create ? O_CREAT : 0);
  const int file = ::open(path_.c_str(), flags, S_IRUSR | S_IWUSR);
  if (file < 0) return fail(std::strerror(errno));
  ::close(file);
  auto id = identify(path_);
  if (!id) return fail(std::strerror(errno));
  id_ = *id;

  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path_.c_str(), &handle,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) return error_of(handle);
  sqlite3_busy_timeout(handle, mode == Mode::lookup ? kLookupBusyMs : kWriterBusyMs);
  if (auto done = run("PRAGMA trusted_schema = OFF"); !done) return done;
  if (mode != Mode::lookup) return migrate();
  if (auto done = check_schema(); !done) return done;
  return run("PRAGMA query_only = ON");
}

Result<void> Database::check_schema() {
  auto application = number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  auto version = number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*application != kApplicationId) return fail("not a Postigo database");
  if (*version != kSchema) return fail(fmt::format("its schema is {}, this program needs {}", *version, kSchema));
  return {};
}

Result<void> Database::migrate() {
  auto application = number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  auto version = number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*application == kApplicationId && *version == kSchema) return {};  // a read-only file is fine then
  if (auto done = run("PRAGMA journal_mode = WAL"); !done) return done;
  auto transaction = Transaction::begin(*this);
  if (!transaction) return tl::unexpected(transaction.error());
  auto tables = number("SELECT count(*) FROM sqlite_schema");  // once more, under the lock: two may migrate at once
  application = number("PRAGMA application_id");
  version = number("PRAGMA user_version");
  if (!tables || !application || !version) return error_of(handle_.get());
  const bool fresh = *tables == 0 && *application == 0 && *version == 0;
  if (!fresh && *application != kApplicationId) return fail("not a Postigo database");
  if (*version > kSchema) return fail(fmt::format("its schema is {}, this program knows {}", *version, kSchema));
  for (int64_t step = *version; step < kSchema; ++step) {
    if (auto done = run(kMigrations[step]); !done) return done;
  }
  const std::string stamp =
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchema);
  if (auto done = run(stamp.c_str()); !done) return done;
  return transaction->commit();
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(handle_.get(), sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return error_of(handle_.get());
  }
  return Statement(statement);
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error_of(handle_.get());
  return {};
}

Result<int64_t> Database::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? statement->number(0) : 0;
}

int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

std::string select_entries() { return "SELECT name, password, pool, shard, backend_user, disabled FROM users"; }

Entry entry_from(const Statement& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.number(5) != 0};
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return tl::unexpected(begun.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_) (void)database_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
  auto done = database_->run("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace postigo
