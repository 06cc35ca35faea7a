// Changes to the embedded directory, each in one transaction. Not here: parsing of import files (user_file.cc), the
// schema (sqlite_db.cc), look-ups during logins (sqlite.cc).
#include "backends/directory/sqlite_store.h"

#include <utility>

#include <fmt/format.h>

#include "backends/balance/siphash.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO users (name, password, pool, shard, backend_user, disabled) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT (name) DO NOTHING";
constexpr std::string_view kUpdate =
    "UPDATE users SET password = coalesce(?2, password), pool = coalesce(?3, pool), shard = coalesce(?4, shard), "
    "backend_user = coalesce(?5, backend_user), disabled = coalesce(?6, disabled), changed = unixepoch() "
    "WHERE name = ?1";
constexpr std::string_view kDelete = "DELETE FROM users WHERE name = ?1";

SqliteStore::Change everything(const Entry& entry) {
  return {entry.password, entry.pool, entry.shard, entry.backend_user, entry.disabled};
}

void bind_all(Statement& statement, std::string_view name, const SqliteStore::Change& change) {
  statement.bind(1, name);
  int index = 2;
  for (const auto* field : {&change.password, &change.pool, &change.shard, &change.backend_user}) {
    if (*field) {
      statement.bind(index, **field);
    } else {
      statement.bind_null(index);
    }
    ++index;
  }
  if (change.disabled) {
    statement.bind(index, int64_t{*change.disabled});
  } else {
    statement.bind_null(index);
  }
}

// Runs to the end; tells how many rows changed. No reset() before the outcome is read: it would forget the error.
Result<int64_t> finish(Database& database, Statement& statement) {
  auto row = statement.step();
  if (!row) return tl::unexpected(row.error());
  statement.reset();
  return database.changes();
}

Result<int64_t> run(Database& database, std::string_view sql, std::string_view name,
                    const SqliteStore::Change& values) {
  auto statement = database.prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  bind_all(*statement, name, values);
  return finish(database, *statement);
}

// One statement as one change; `none` if it changed no row.
Result<void> change(Database& database, std::string_view sql, std::string_view name, const SqliteStore::Change& values,
                    const std::string& none) {
  return database.change([&]() -> Result<void> {
    auto rows = run(database, sql, name, values);
    if (!rows) return tl::unexpected(rows.error());
    return *rows == 0 ? Result<void>(fail(none)) : Result<void>();
  });
}

std::string unknown(std::string_view name) { return "no entry is called " + printable(name); }

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, Missing missing,
                                                       std::optional<Database::Owner> owner) {
  const auto mode = missing == Missing::create ? Database::Mode::create : Database::Mode::existing;
  auto database = Database::open(path, mode, owner);
  if (!database) return tl::unexpected(database.error());
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(*database)));
}

Result<void> SqliteStore::add(const Entry& entry) {
  if (auto good = check_entry(entry); !good) return good;
  return change(*database_, kInsert, entry.name, everything(entry), printable(entry.name) + " exists already");
}

Result<void> SqliteStore::set(std::string_view name, const Change& values) {
  Entry entry;
  entry.name = name;
  entry.password = values.password.value_or("");
  entry.pool = values.pool.value_or("");
  entry.shard = values.shard.value_or("");
  entry.backend_user = values.backend_user.value_or("");
  if (auto good = check_entry(entry); !good) return good;
  return change(*database_, kUpdate, name, values, unknown(name));
}

Result<void> SqliteStore::del(std::string_view name) { return change(*database_, kDelete, name, {}, unknown(name)); }

Result<std::optional<Entry>> SqliteStore::find(std::string_view name) {
  auto statement = database_->prepare(select_entries() + " WHERE name = ?1");
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(1, name);
  auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? std::optional(entry_from(*statement)) : std::nullopt;
}

Result<void> SqliteStore::list(const std::function<void(const Entry&)>& each) {
  auto statement = database_->prepare(select_entries() + " ORDER BY name");
  if (!statement) return tl::unexpected(statement.error());
  for (;;) {
    auto row = statement->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    each(entry_from(*statement));
  }
}

Result<SqliteStore::Report> SqliteStore::import(const UserFile& file, bool replace) {
  Report report;
  auto done = database_->change([&] { return import_all(file, replace, report); });
  if (!report.problems.empty()) return Report{0, 0, std::move(report.problems)};
  if (!done) return tl::unexpected(done.error());
  return report;
}

// An error, and so nothing is stored, also if the report has a problem.
Result<void> SqliteStore::import_all(const UserFile& file, bool replace, Report& report) {
  report = {0, 0, file.problems};
  auto insert = database_->prepare(kInsert);
  if (!insert) return tl::unexpected(insert.error());
  NameMap<size_t> seen;
  for (const UserLine& user : file.users) {
    const Entry& entry = user.entry;
    auto [first, is_new] = seen.emplace(entry.name, user.line);
    if (!is_new) {
      report.problems.push_back({user.line, fmt::format("{} is in line {} too", printable(entry.name), first->second)});
      continue;
    }
    bind_all(*insert, entry.name, everything(entry));
    auto rows = finish(*database_, *insert);
    if (!rows) return tl::unexpected(rows.error());
    if (*rows != 0) {
      ++report.added;
    } else if (!replace) {
      report.problems.push_back({user.line, printable(entry.name) + " exists already"});
    } else if (auto replaced = run(*database_, kUpdate, entry.name, everything(entry)); replaced) {
      ++report.replaced;
    } else {
      return tl::unexpected(replaced.error());
    }
  }
  return report.problems.empty() ? Result<void>() : fail("the file has problems");
}

}  // namespace postigo
