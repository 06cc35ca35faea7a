// Opening, transactions, the schema and its migrations, and errors as one line for the operator. Not here: what is
// asked (sqlite.cc) and what is changed (sqlite_store.cc).
//
// The journal is SQLite's oldest, a file that exists only while a change is written (journal_mode DELETE). Between two
// changes all users are in the one file, so that it may be copied, or replaced by another, under a running proxy, and
// may belong to anybody who lets us read. With a write-ahead log neither is true: the log of the old file would be
// taken for the new one's. What that log is good for, writers that do not disturb readers, matters little here: a
// change takes milliseconds, and change() gives way to readers.
#include "backends/directory/sqlite_db.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backends/directory/fields.h"
#include "parser/base/ascii.h"

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
    // Moments are texts (moment.h), lists have commas: as fields.h has them.
    R"(ALTER TABLE users ADD COLUMN disabled_until TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN valid_from TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN valid_until TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN moving_until TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN networks TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN protocols TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN listeners TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN class TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN sessions_max TEXT NOT NULL DEFAULT '';
       ALTER TABLE users ADD COLUMN main_password INTEGER NOT NULL DEFAULT 1;
       CREATE TABLE app_passwords (
         name TEXT NOT NULL,                      -- users.name
         label TEXT NOT NULL,
         hash TEXT NOT NULL,                      -- app_password.h
         protocols TEXT NOT NULL DEFAULT '',
         networks TEXT NOT NULL DEFAULT '',
         valid_until TEXT NOT NULL DEFAULT '',
         created INTEGER NOT NULL DEFAULT (unixepoch()),
         used INTEGER NOT NULL DEFAULT 0,         -- unix time of the last login with it, to the minute; 0: never
         PRIMARY KEY (name, label)
       ) STRICT, WITHOUT ROWID)",
};
constexpr int64_t kSchema = std::size(kMigrations);
constexpr int64_t kApplicationId = 0x50737467;  // "Pstg": never touch somebody else's database

// How long to wait for another program. Readers hold a thread of the pool meanwhile.
constexpr int kLookupBusyMs = 2000;
constexpr int kLookupPollMs = 2;
constexpr int kReadBusyMs = 5000;

// A writer that waits for readers keeps new ones out. So it waits less than they do, lets them in, and tries again.
constexpr int kChangeBusyMs = 200;
constexpr auto kChangePause = std::chrono::milliseconds(50);
constexpr int kChangeTries = 20;

// SQLite's own waits grow to 100 ms: between the changes of a script it would find no gap.
int wait_for_writer(void*, int times) {
  if (times * kLookupPollMs >= kLookupBusyMs) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(kLookupPollMs));
  return 1;
}

tl::unexpected<Error> error_of(sqlite3* handle) { return fail(sqlite3_errmsg(handle)); }

// Makes an empty file, unless something stands at the path. SQLite would make it readable for all; the files that it
// puts beside it get its owner and mode. O_EXCL: this descriptor is the first that the file ever has, so that closing
// it can drop no lock.
Result<void> make_file(const std::string& path, std::optional<Database::Owner> owner) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return errno == EEXIST ? Result<void>() : fail(std::strerror(errno));
  const bool given = !owner || ::fchown(file, owner->user, owner->group) == 0;
  const int reason = errno;
  ::close(file);
  if (!given) return fail(fmt::format("cannot give it to its owner: {}", std::strerror(reason)));
  return {};
}

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

Result<Database::File> Database::identify(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("not a file");
  return File{{status.st_dev, status.st_ino}, {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec}};
}

// SQLite sees SQLite's changes; a copy that somebody wrote into the file it may take for what it has read before.
bool Database::refresh() {
  auto now = identify(path_);
  if (!now || now->id != file_.id) return false;
  if (now->state != file_.state) sqlite3_db_release_memory(handle_.get());
  file_ = *now;
  return true;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode, std::optional<Owner> owner) {
  std::unique_ptr<Database> database(new Database(path));
  Result<void> opened = mode == Mode::create ? make_file(path, owner) : Result<void>();
  if (opened) opened = database->connect(mode);
  if (!opened) return fail(fmt::format("cannot open database {}: {}", path, opened.error().message));
  return database;
}

Result<void> Database::connect(Mode mode) {
  auto file = identify(path_);  // before SQLite opens it: of a change in between refresh() will tell
  if (!file) return tl::unexpected(file.error());
  file_ = *file;
  if (auto opened = open_handle(); !opened) return opened;
  if (mode == Mode::lookup) {
    sqlite3_busy_handler(handle_.get(), wait_for_writer, nullptr);
  } else {
    sqlite3_busy_timeout(handle_.get(), kReadBusyMs);
  }
  if (auto done = run("PRAGMA trusted_schema = OFF"); !done) return done;
  if (auto ours = mode == Mode::lookup ? check_schema() : migrate(); !ours) return ours;
  leave_wal();
  // A lookup changes nothing. A change writes at its end only: to make room in memory earlier would lock readers out.
  return run(mode == Mode::lookup ? "PRAGMA query_only = ON" : "PRAGMA cache_spill = OFF");
}

Result<void> Database::open_handle() {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code == SQLITE_OK) return {};
  const int reason = sqlite3_system_errno(handle);
  return reason != 0 ? fail(std::strerror(reason)) : error_of(handle);
}

// A file of an older Postigo, or one that somebody brought. Only the one program that uses a file can do this, and only
// if it may write: else the log stays for now, and works.
void Database::leave_wal() { (void)run("PRAGMA journal_mode = DELETE"); }

Result<void> Database::check_schema() {
  auto application = number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  auto version = number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*application != kApplicationId) return fail("not a Postigo database");
  if (*version < 1 || *version > kSchema) {
    return fail(fmt::format("its schema is {}, this program knows {}", *version, kSchema));
  }
  schema_ = *version;
  return {};
}

Result<void> Database::migrate() {
  auto application = number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  auto version = number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  schema_ = kSchema;
  if (*application == kApplicationId && *version == kSchema) return {};  // a read-only file is fine then
  return change([this] { return migrate_once(); });
}

Result<void> Database::migrate_once() {
  auto tables = number("SELECT count(*) FROM sqlite_schema");  // under the lock: two may migrate at once
  auto application = number("PRAGMA application_id");
  auto version = number("PRAGMA user_version");
  if (!tables || !application || !version) return error_of(handle_.get());
  const bool fresh = *tables == 0 && *application == 0 && *version == 0;
  if (!fresh && *application != kApplicationId) return fail("not a Postigo database");
  if (*version > kSchema) return fail(fmt::format("its schema is {}, this program knows {}", *version, kSchema));
  for (int64_t step = *version; step < kSchema; ++step) {
    if (auto done = run(kMigrations[step]); !done) return done;
  }
  return run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchema).c_str());
}

Result<void> Database::change(const std::function<Result<void>()>& work) {
  sqlite3_busy_timeout(handle_.get(), kChangeBusyMs);
  bool busy = false;
  Result<void> done = change_once(work, busy);
  for (int tries = 1; busy && tries < kChangeTries; ++tries) {
    std::this_thread::sleep_for(kChangePause);
    done = change_once(work, busy);
  }
  sqlite3_busy_timeout(handle_.get(), kReadBusyMs);
  return done;
}

Result<void> Database::change_once(const std::function<Result<void>()>& work, bool& busy) {
  Result<void> done = run("BEGIN IMMEDIATE");
  if (done) done = work();
  if (done) done = run("COMMIT");
  busy = !done && (sqlite3_errcode(handle_.get()) & 0xff) == SQLITE_BUSY;
  if (!done && sqlite3_get_autocommit(handle_.get()) == 0) (void)run("ROLLBACK");
  return done;
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

namespace {

constexpr size_t kFieldsOfFirstSchema = 5;  // password ... disabled

std::span<const std::string_view> fields_of(int64_t schema) {
  const std::span<const std::string_view> all = field_names();
  return schema == 1 ? all.first(kFieldsOfFirstSchema) : all;
}

}  // namespace

std::string select_entries(int64_t schema) {
  return fmt::format("SELECT name, {} FROM users", fmt::join(fields_of(schema), ", "));
}

Result<Entry> entry_from(const Statement& row, int64_t schema) {
  Entry entry;
  entry.name = row.text(0);
  int column = 0;
  for (std::string_view field : fields_of(schema)) {
    auto set = set_field(entry, field, row.text(++column));
    if (!set) return fail(printable(entry.name) + ": " + set.error().message);
  }
  return entry;
}

Result<std::vector<AppPassword>> app_passwords_from(Statement& statement) {
  constexpr std::string_view kFields[] = {"label", "password", "protocols", "networks", "valid_until", "used"};
  std::vector<AppPassword> passwords;
  for (;;) {
    auto row = statement.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    AppPassword& password = passwords.emplace_back();
    int column = 0;
    for (std::string_view field : kFields) {
      if (auto set = set_app_field(password, field, statement.text(column++)); !set) return tl::unexpected(set.error());
    }
  }
  statement.reset();
  return passwords;
}

}  // namespace postigo
