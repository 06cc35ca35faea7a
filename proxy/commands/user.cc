// `postigo user`: the writing side of a SQLite directory. Finds the directory, makes stored passwords, reports; the
// store itself is backends/directory/sqlite_store.h.
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <istream>
#include <iterator>
#include <memory>
#include <ostream>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "backends/directory/password.h"
#include "backends/directory/sqlite_store.h"
#include "backends/directory/user_file.h"
#include "backends/router.h"
#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/process.h"
#include "proxy/control/privileges.h"

namespace postigo::commands {

namespace {

constexpr size_t kProblemsTold = 20;

int failed(Streams io, const std::string& message) {
  io.err << "postigo: " << message << '\n';
  return kFailed;
}

// Everything that a change needs, or the exit code.
struct Opened {
  std::optional<config::Loaded> loaded;
  const config::Directory* directory = nullptr;
  std::unique_ptr<Router> router;
  std::unique_ptr<SqliteStore> store;
  int exit = kOk;

  std::string normalise(std::string_view name) const {
    return name.starts_with('@') ? lower(name) : router->normalise(name);
  }
};

Result<const config::Directory*> find_directory(const config::Auth& auth, const std::string& name) {
  const config::Directory* found = nullptr;
  std::vector<std::string> names;
  for (const config::Directory& directory : auth.directories) {
    if (directory.type != config::Directory::Type::sqlite) continue;
    names.push_back(directory.name);
    if (name.empty() || directory.name == name) found = &directory;
  }
  if (names.empty()) return fail("the configuration has no [[directory]] of type \"sqlite\"");
  if (name.empty() && names.size() > 1) return fail("say with --directory which one: " + config::one_of(names));
  if (found == nullptr)
    return fail("there is no SQLite directory " + config::in_quotes(name) + config::did_you_mean(name, names));
  return found;
}

// Root makes a new database for the account that the server becomes.
std::optional<Database::Owner> owner_of_new_files(const config::Startup& startup) {
  const passwd* account = startup.user.empty() ? nullptr : ::getpwnam(startup.user.c_str());
  if (account == nullptr || ::geteuid() != 0) return std::nullopt;
  const group* named = startup.group.empty() ? nullptr : ::getgrnam(startup.group.c_str());
  return Database::Owner{account->pw_uid, named != nullptr ? named->gr_gid : account->pw_gid};
}

// All but the store.
Opened find(const UserOptions& options, Streams io) {
  forbid_core_files();
  Opened opened;
  opened.loaded = load_configuration(options.file, io);
  if (!opened.loaded) {
    opened.exit = kBadConfiguration;
    return opened;
  }
  const config::Live& live = opened.loaded->config.live;
  opened.router = std::make_unique<Router>(live);
  auto directory = find_directory(live.auth, options.directory);
  if (!directory) {
    opened.exit = failed(io, directory.error().message);
    return opened;
  }
  opened.directory = *directory;
  return opened;
}

void open_store(Opened& opened, SqliteStore::Missing missing, Streams io) {
  auto owner = owner_of_new_files(opened.loaded->config.startup);
  auto store = SqliteStore::open(opened.directory->path, missing, owner);
  if (store) opened.store = std::move(*store);
  if (!store) opened.exit = failed(io, store.error().message);
}

Opened open(const UserOptions& options, SqliteStore::Missing missing, Streams io) {
  Opened opened = find(options, io);
  if (opened.exit == kOk) open_store(opened, missing, io);
  return opened;
}

// Whether logins with this placement would find a shard; empty if so.
std::string placement_fault(const Opened& opened, const std::string& pool, const std::string& shard) {
  Identity identity;
  identity.pool = pool;
  identity.shard = shard;
  auto imap = opened.router->route(identity, "imap");
  auto pop3 = opened.router->route(identity, "pop3");
  return imap || pop3 ? std::string() : imap.error().message;
}

// The stored form of a new password; nothing if it is not to be touched; empty to take it away.
Result<std::optional<std::string>> new_password(const UserOptions& options, bool wanted, Streams io) {
  using Password = UserOptions::Password;
  if (options.password == Password::none) return std::string();
  bool ask = options.password == Password::ask || (options.password == Password::automatic && wanted);
  if (!ask && options.password != Password::standard_input) return std::nullopt;
  auto password = ask ? ask_password() : read_password(io.in);
  if (!password) return tl::unexpected(password.error());
  auto stored = make_password(*password);
  if (!stored) return tl::unexpected(stored.error());
  return std::optional(std::move(*stored));
}

std::string scheme_of(const std::string& stored) {
  if (stored.empty()) return "-";
  size_t end = stored.find('}');
  return stored[0] == '{' && end != std::string::npos ? stored.substr(1, end - 1) : "CRYPT";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : printable(text); }

Result<std::string> read_text(const std::string& file, std::istream& in) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return fail("cannot open " + config::in_quotes(file));
  }
  std::istream& from = file == "-" ? in : opened;
  std::string text{std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
  if (from.bad()) return fail("cannot read " + config::in_quotes(file));
  return text;
}

// The first of them, by line: the rest is often the same mistake.
int tell_problems(const std::string& file, std::vector<LineProblem> problems, Streams io) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const LineProblem& a, const LineProblem& b) { return a.line < b.line; });
  for (const LineProblem& problem : std::span(problems).first(std::min(problems.size(), kProblemsTold))) {
    io.err << fmt::format("{}:{}: {}\n", file == "-" ? "standard input" : file, problem.line, problem.message);
  }
  if (problems.size() > kProblemsTold) io.err << fmt::format("and {} more\n", problems.size() - kProblemsTold);
  return failed(io,
                fmt::format("nothing was imported: {} problem{}", problems.size(), problems.size() == 1 ? "" : "s"));
}

}  // namespace

int user_add(const UserOptions& options, Streams io) {
  Opened opened = open(options, SqliteStore::Missing::create, io);
  if (opened.exit != kOk) return opened.exit;
  Entry entry;
  entry.name = opened.normalise(options.name);
  entry.pool = options.pool.value_or("");
  entry.shard = options.shard.value_or("");
  entry.backend_user = options.backend_user.value_or("");
  entry.disabled = options.disabled.value_or(false);
  std::string fault = placement_fault(opened, entry.pool, entry.shard);
  if (!fault.empty()) return failed(io, fault);
  bool wanted = opened.directory->check_password && !entry.name.starts_with('@');
  auto password = new_password(options, wanted, io);
  if (!password) return failed(io, password.error().message);
  entry.password = password->value_or("");
  auto added = opened.store->add(entry);
  if (!added) return failed(io, added.error().message);
  io.out << "added " << printable(entry.name) << '\n';
  return kOk;
}

int user_set(const UserOptions& options, Streams io) {
  Opened opened = open(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  std::string name = opened.normalise(options.name);
  auto before = opened.store->find(name);
  if (!before) return failed(io, before.error().message);
  if (!before->has_value()) return failed(io, "no entry is called " + printable(name));
  std::string fault =
      placement_fault(opened, options.pool.value_or((*before)->pool), options.shard.value_or((*before)->shard));
  if (!fault.empty()) return failed(io, fault);
  SqliteStore::Change change;
  auto password = new_password(options, false, io);
  if (!password) return failed(io, password.error().message);
  change.password = std::move(*password);
  change.pool = options.pool;
  change.shard = options.shard;
  change.backend_user = options.backend_user;
  change.disabled = options.disabled;
  auto done = opened.store->set(name, change);
  if (!done) return failed(io, done.error().message);
  io.out << "changed " << printable(name) << '\n';
  return kOk;
}

int user_del(const UserOptions& options, Streams io) {
  Opened opened = open(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  std::string name = opened.normalise(options.name);
  auto done = opened.store->del(name);
  if (!done) return failed(io, done.error().message);
  io.out << "deleted " << printable(name) << '\n';
  return kOk;
}

int user_list(const UserOptions& options, Streams io) {
  Opened opened = open(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  constexpr const char* kRow = "{:<32} {:<14} {:<12} {:<12} {:<16} {}\n";
  io.out << fmt::format(kRow, "NAME", "PASSWORD", "POOL", "SHARD", "BACKEND_USER", "STATE");
  auto done = opened.store->list([&](const Entry& entry) {
    io.out << fmt::format(kRow, printable(entry.name), scheme_of(entry.password), or_dash(entry.pool),
                          or_dash(entry.shard), or_dash(entry.backend_user), entry.disabled ? "disabled" : "active");
  });
  return done ? static_cast<int>(kOk) : failed(io, done.error().message);
}

// Nothing is opened or made before the file has been read and understood.
int user_import(const UserOptions& options, Streams io) {
  Opened opened = find(options, io);
  if (opened.exit != kOk) return opened.exit;
  auto text = read_text(options.import_file, io.in);
  if (!text) return failed(io, text.error().message);
  UserFile file = read_users(*text, [&](std::string_view name) { return opened.router->normalise(name); });
  wipe(text->data(), text->size());
  for (const UserLine& user : file.users) {
    std::string fault = placement_fault(opened, user.entry.pool, user.entry.shard);
    if (!fault.empty()) file.problems.push_back({user.line, fault});
  }
  if (!file.problems.empty()) return tell_problems(options.import_file, std::move(file.problems), io);
  open_store(opened, SqliteStore::Missing::create, io);
  if (opened.exit != kOk) return opened.exit;
  auto report = opened.store->import(file, options.replace);
  if (!report) return failed(io, report.error().message);
  if (!report->problems.empty()) return tell_problems(options.import_file, std::move(report->problems), io);
  io.out << fmt::format("{} added, {} replaced\n", report->added, report->replaced);
  return kOk;
}

}  // namespace postigo::commands
