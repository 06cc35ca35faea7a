// `postigo user`: one user of a SQLite directory, and the list of all. Makes stored passwords and reports; the store
// itself is backends/directory/sqlite_store.h. Not here: files of users (user_files.cc), passwords for programs
// (user_app_password.cc).
#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/fields.h"
#include "backends/directory/password.h"
#include "parser/base/ascii.h"
#include "proxy/commands/process.h"
#include "proxy/commands/user_store.h"

namespace postigo::commands {

namespace {

// As the proxy will put what clients say.
Result<void> prepare(const Opened& opened, Secret& password) {
  if (!opened.directory->saslprep) return {};
  auto form = prepared_password(password);
  if (!form) return fail("the password is not UTF-8, or holds what no password may (RFC 4013)");
  password = std::move(*form);
  return {};
}

// The stored form of a new password; nothing if it is not to be touched; empty to take it away.
Result<std::optional<std::string>> new_password(const Opened& opened, const UserOptions& options, bool wanted,
                                                Streams io) {
  using Password = UserOptions::Password;
  if (options.password == Password::none) return std::string();
  bool ask = options.password == Password::ask || (options.password == Password::automatic && wanted);
  if (!ask && options.password != Password::standard_input) return std::nullopt;
  auto password = ask ? ask_password() : read_password(io.in);
  if (!password) return tl::unexpected(password.error());
  if (auto fault = prepare(opened, *password); !fault) return tl::unexpected(fault.error());
  auto stored = options.scram ? make_scram_password(*password) : make_password(*password);
  if (!stored) return tl::unexpected(stored.error());
  return std::optional(std::move(*stored));
}

std::string scheme_of(const std::string& stored) {
  if (stored.empty()) return "-";
  size_t end = stored.find('}');
  return stored[0] == '{' && end != std::string::npos ? stored.substr(1, end - 1) : "CRYPT";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : printable(text); }

// What options say in words (fields.h).
Result<void> set_fields(Entry& entry, const UserOptions& options) {
  for (const auto& [field, value] : options.fields) {
    if (auto set = set_field(entry, field, value); !set) return tl::unexpected(set.error());
  }
  return {};
}

// What bars him, in a word or two.
std::string state_of(const Entry& entry) {
  if (entry.disabled) return "disabled";
  const Entry usual;
  const bool bound = entry.may != usual.may || entry.disabled_until_s != 0 || entry.moving_until_s != 0;
  return std::string(bound ? "limited" : "active") + (entry.main_password ? "" : ", by programs' passwords");
}

}  // namespace

int user_add(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::create, io);
  if (opened.exit != kOk) return opened.exit;
  Entry entry;
  entry.name = opened.name;
  entry.pool = options.pool.value_or("");
  entry.shard = options.shard.value_or("");
  entry.backend_user = options.backend_user.value_or("");
  entry.disabled = options.disabled.value_or(false);
  if (auto set = set_fields(entry, options); !set) return failed(io, set.error().message);
  std::string fault = placement_fault(opened, entry.pool, entry.shard);
  if (!fault.empty()) return failed(io, fault);
  bool wanted = opened.directory->check_password && !entry.name.starts_with('@');
  auto password = new_password(opened, options, wanted, io);
  if (!password) return failed(io, password.error().message);
  entry.password = password->value_or("");
  auto added = opened.store->add(entry);
  if (!added) return failed(io, added.error().message);
  io.out << "added " << printable(entry.name) << '\n';
  return kOk;
}

int user_set(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  const std::string& name = opened.name;
  auto before = opened.store->find(name);
  if (!before) return failed(io, before.error().message);
  if (!before->has_value()) return failed(io, "no entry is called " + printable(name));
  std::string fault =
      placement_fault(opened, options.pool.value_or((*before)->pool), options.shard.value_or((*before)->shard));
  if (!fault.empty()) return failed(io, fault);
  SqliteStore::Change change;
  auto password = new_password(opened, options, false, io);
  if (!password) return failed(io, password.error().message);
  change.password = std::move(*password);
  change.pool = options.pool;
  change.shard = options.shard;
  change.backend_user = options.backend_user;
  change.disabled = options.disabled;
  change.fields = options.fields;
  auto done = opened.store->set(name, change);
  if (!done) return failed(io, done.error().message);
  io.out << "changed " << printable(name) << '\n';
  return kOk;
}

int user_del(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  const std::string& name = opened.name;
  auto done = opened.store->del(name);
  if (!done) return failed(io, done.error().message);
  io.out << "deleted " << printable(name) << '\n';
  return kOk;
}

int user_list(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  constexpr const char* kRow = "{:<32} {:<14} {:<12} {:<12} {:<16} {}\n";
  io.out << fmt::format(kRow, "NAME", "PASSWORD", "POOL", "SHARD", "BACKEND_USER", "STATE");
  auto done = opened.store->list([&](const Entry& entry) {
    io.out << fmt::format(kRow, printable(entry.name), scheme_of(entry.password), or_dash(entry.pool),
                          or_dash(entry.shard), or_dash(entry.backend_user), state_of(entry));
  });
  return done ? static_cast<int>(kOk) : failed(io, done.error().message);
}

int user_rename(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  const std::string &from = opened.name, &to = opened.to;
  auto done = opened.store->rename(from, to);
  if (!done) return failed(io, done.error().message);
  io.out << "renamed " << printable(from) << " to " << printable(to) << '\n';
  return kOk;
}

// For people who ask why somebody cannot log in. It says which password was right, and nothing else about it.
int user_verify(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  const std::string& name = opened.name;
  auto entry = opened.store->find(name);
  if (!entry) return failed(io, entry.error().message);
  if (!entry->has_value()) return failed(io, "no entry is called " + printable(name));
  auto passwords = opened.store->app_passwords(name);
  if (!passwords) return failed(io, passwords.error().message);
  const bool in = options.password == UserOptions::Password::standard_input;
  auto password = in ? read_password(io.in) : ask_password_once();
  if (!password) return failed(io, password.error().message);
  if (auto fit = prepare(opened, *password); !fit) return failed(io, "wrong: " + fit.error().message);
  if (const AppPassword* app = find_app_password(*passwords, *password)) {
    io.out << "right: his password for " << printable(app->label) << '\n';
    return kOk;
  }
  if ((*entry)->password.empty()) return failed(io, "wrong: he has no password of his own");
  auto right = verify_password(*password, (*entry)->password);
  if (!right) return failed(io, right.error().message);
  if (!*right) return failed(io, "wrong");
  io.out << "right: his own\n";
  return kOk;
}

}  // namespace postigo::commands
