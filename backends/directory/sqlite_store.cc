// Changes to the embedded directory, each in one transaction. Not here: parsing of import files (user_file.cc), the
// schema (sqlite_db.cc), look-ups during logins (sqlite.cc).
#include "backends/directory/sqlite_store.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backends/balance/siphash.h"
#include "backends/directory/fields.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr std::string_view kDelete = "DELETE FROM users WHERE name = ?1";
constexpr std::string_view kDeletePasswords = "DELETE FROM app_passwords WHERE name = ?1";
constexpr std::string_view kRename = "UPDATE users SET name = ?2, changed = unixepoch() WHERE name = ?1";
constexpr std::string_view kRenamePasswords = "UPDATE app_passwords SET name = ?2 WHERE name = ?1";
constexpr std::string_view kAddPassword =
    "INSERT INTO app_passwords (name, label, hash, protocols, networks, valid_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT (name, label) DO NOTHING";
constexpr std::string_view kRevokePassword = "DELETE FROM app_passwords WHERE name = ?1 AND label = ?2";

// "?2, ?3, ..." for all fields; the name is ?1.
std::string insert_sql() {
  std::string places = "?1";
  for (size_t i = 0; i < field_names().size(); ++i) places += fmt::format(", ?{}", i + 2);
  return fmt::format("INSERT INTO users (name, {}) VALUES ({}) ON CONFLICT (name) DO NOTHING",
                     fmt::join(field_names(), ", "), places);
}

std::string update_sql() {
  std::string sql = "UPDATE users SET changed = unixepoch()";
  for (size_t i = 0; i < field_names().size(); ++i) sql += fmt::format(", {} = ?{}", field_names()[i], i + 2);
  return sql + " WHERE name = ?1";
}

void bind_all(Statement& statement, const Entry& entry) {
  statement.bind(1, entry.name);
  int index = 2;
  for (std::string_view field : field_names()) statement.bind(index++, field_text(entry, field));
}

// Runs to the end; tells how many rows changed. No reset() before the outcome is read: it would forget the error.
Result<int64_t> finish(Database& database, Statement& statement) {
  auto row = statement.step();
  if (!row) return tl::unexpected(row.error());
  statement.reset();
  return database.changes();
}

Result<int64_t> run(Database& database, std::string_view sql, std::initializer_list<std::string_view> values) {
  auto statement = database.prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  int index = 1;
  for (std::string_view value : values) statement->bind(index++, value);
  return finish(database, *statement);
}

Result<int64_t> write(Database& database, const std::string& sql, const Entry& entry) {
  auto statement = database.prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  bind_all(*statement, entry);
  return finish(database, *statement);
}

Result<void> take(Entry& entry, const SqliteStore::Change& change) {
  entry.password = change.password.value_or(entry.password);
  entry.pool = change.pool.value_or(entry.pool);
  entry.shard = change.shard.value_or(entry.shard);
  entry.backend_user = change.backend_user.value_or(entry.backend_user);
  entry.disabled = change.disabled.value_or(entry.disabled);
  for (const auto& [field, value] : change.fields) {
    if (auto set = set_field(entry, field, value); !set) return tl::unexpected(set.error());
  }
  return {};
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

// One statement as one change; `none` if it changed no row.
Result<void> SqliteStore::change(std::string_view sql, std::initializer_list<std::string_view> values,
                                 const std::string& none) {
  return database_->change([&]() -> Result<void> {
    auto rows = run(*database_, sql, values);
    if (!rows) return tl::unexpected(rows.error());
    return *rows == 0 ? Result<void>(fail(none)) : Result<void>();
  });
}

Result<void> SqliteStore::add(const Entry& entry) {
  if (auto good = check_entry(entry); !good) return good;
  return database_->change([&]() -> Result<void> {
    auto rows = write(*database_, insert_sql(), entry);
    if (!rows) return tl::unexpected(rows.error());
    return *rows == 0 ? Result<void>(fail(printable(entry.name) + " exists already")) : Result<void>();
  });
}

Result<void> SqliteStore::set(std::string_view name, const Change& values) {
  return database_->change([&] { return apply(name, values); });
}

// Under the write lock: nobody changes what is not to be changed meanwhile.
Result<void> SqliteStore::apply(std::string_view name, const Change& values) {
  auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  if (!entry->has_value()) return fail(unknown(name));
  if (auto taken = take(**entry, values); !taken) return taken;
  if (auto good = check_entry(**entry); !good) return good;
  auto rows = write(*database_, update_sql(), **entry);
  return rows ? Result<void>() : tl::unexpected(rows.error());
}

Result<void> SqliteStore::del(std::string_view name) {
  return database_->change([&]() -> Result<void> {
    auto rows = run(*database_, kDelete, {name});
    if (rows && *rows == 0) return fail(unknown(name));
    if (rows) rows = run(*database_, kDeletePasswords, {name});
    return rows ? Result<void>() : tl::unexpected(rows.error());
  });
}

Result<void> SqliteStore::rename(std::string_view from, std::string_view to) {
  return database_->change([&]() -> Result<void> {
    auto before = find(from), there = find(to);
    if (!before || !there) return tl::unexpected(before ? there.error() : before.error());
    if (!before->has_value()) return fail(unknown(from));
    if (there->has_value()) return fail(printable(to) + " exists already");
    (*before)->name = to;
    if (auto good = check_entry(**before); !good) return good;
    auto rows = run(*database_, kRename, {from, to});
    if (rows) rows = run(*database_, kRenamePasswords, {from, to});
    return rows ? Result<void>() : tl::unexpected(rows.error());
  });
}

Result<void> SqliteStore::add_app_password(std::string_view name, const AppPassword& password) {
  if (auto good = check_app_password(password); !good) return good;
  Entry entry;
  entry.may = password.may;
  return database_->change([&]() -> Result<void> {
    auto user = find(name);
    if (!user) return tl::unexpected(user.error());
    if (!user->has_value()) return fail(unknown(name));
    auto rows = run(*database_, kAddPassword,
                    {name, password.label, password.hash, field_text(entry, "protocols"), field_text(entry, "networks"),
                     field_text(entry, "valid_until")});
    if (!rows) return tl::unexpected(rows.error());
    if (*rows == 0) return fail("he has a password with the label " + printable(password.label) + " already");
    return {};
  });
}

Result<void> SqliteStore::revoke_app_password(std::string_view name, std::string_view label) {
  return change(kRevokePassword, {name, label},
                printable(name) + " has no password with the label " + printable(label));
}

Result<std::vector<AppPassword>> SqliteStore::app_passwords(std::string_view name) {
  auto statement = database_->prepare(kSelectAppPasswords);
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(1, name);
  return app_passwords_from(*statement);
}

Result<std::optional<Entry>> SqliteStore::find(std::string_view name) {
  auto statement = database_->prepare(select_entries(database_->schema()) + " WHERE name = ?1");
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(1, name);
  auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  auto entry = entry_from(*statement, database_->schema());
  if (!entry) return tl::unexpected(entry.error());
  return std::optional(std::move(*entry));
}

Result<void> SqliteStore::list(const std::function<void(const Entry&)>& each) {
  auto statement = database_->prepare(select_entries(database_->schema()) + " ORDER BY name");
  if (!statement) return tl::unexpected(statement.error());
  for (;;) {
    auto row = statement->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    auto entry = entry_from(*statement, database_->schema());
    if (!entry) return tl::unexpected(entry.error());
    each(*entry);
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
  auto insert = database_->prepare(insert_sql());
  if (!insert) return tl::unexpected(insert.error());
  NameMap<size_t> seen;
  for (const UserLine& user : file.users) {
    const Entry& entry = user.entry;
    auto [first, is_new] = seen.emplace(entry.name, user.line);
    if (!is_new) {
      report.problems.push_back({user.line, fmt::format("{} is in line {} too", printable(entry.name), first->second)});
      continue;
    }
    bind_all(*insert, entry);
    auto rows = finish(*database_, *insert);
    if (!rows) return tl::unexpected(rows.error());
    if (*rows != 0) {
      ++report.added;
    } else if (!replace) {
      report.problems.push_back({user.line, printable(entry.name) + " exists already"});
    } else if (auto replaced = write(*database_, update_sql(), entry); replaced) {
      ++report.replaced;
    } else {
      return tl::unexpected(replaced.error());
    }
  }
  return report.problems.empty() ? Result<void>() : fail("the file has problems");
}

}  // namespace postigo
