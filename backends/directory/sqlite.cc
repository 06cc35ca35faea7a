// The embedded directory: entries in a SQLite file that `postigo user` writes (sqlite_store.h). Look-ups run on
// Pool::lookup and hashes on Pool::password. Whatever is wrong with the database is "try later", never "no such user".
// Not here: the schema (sqlite_db.cc), changes (sqlite_store.cc).
#include <mutex>
#include <optional>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/entry.h"
#include "backends/directory/last_uses.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"
#include "backends/directory/sqlite_db.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr std::string_view kUpdate = "UPDATE app_passwords SET used = ?3 WHERE name = ?1 AND label = ?2";
constexpr std::string_view kSample = "SELECT password FROM users WHERE password <> '' LIMIT 1";

// No entry has a name that is not UTF-8, nor an empty one: what is no text never goes to SQLite as text.
std::string as_text(std::string name) { return is_utf8(name) ? std::move(name) : std::string(); }

Result<void> write_all(Database& database, const LastUses::Uses& uses) {
  auto statement = database.prepare(kUpdate);
  if (!statement) return tl::unexpected(statement.error());
  for (const auto& [whose, used_s] : uses) {
    statement->bind(1, whose.first);
    statement->bind(2, whose.second);
    statement->bind(3, used_s);
    if (auto done = statement->step(); !done) return tl::unexpected(done.error());
    statement->reset();
  }
  return {};
}

// A file that is not ours to write is usual: nobody is told.
Result<void> write_uses(const std::string& path, const LastUses::Uses& uses) {
  auto database = Database::open(path, Database::Mode::existing);
  if (database) (void)(*database)->change([&] { return write_all(**database, uses); });
  return {};
}

struct Reader {
  std::unique_ptr<Database> database;
  Statement find;
  std::optional<Statement> app_passwords;  // not in the first schema
};

class SqliteSource final : public DirectorySource {
 public:
  explicit SqliteSource(const config::Directory& from)
      : name_(from.name), path_(from.path), checking_{from.check_password, default_decoy()} {
    checking_.used = [uses = std::make_shared<LastUses>([path = path_](const auto& all) {
                        return write_uses(path, all);
                      })](const auto& user, const auto& password, int64_t now_s) { uses->tell(user, password, now_s); };
  }

  // Blocks. Brings the schema up to date and takes a sample.
  Result<void> prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }

  const std::string& name() const { return name_; }
  const Checking& checking() const { return checking_; }

  // On any thread; blocks.
  Result<Found> find(const std::string& user) const;

 private:
  Result<void> connect() const;
  static Result<Found> read(Reader& reader, const std::string& user);

  std::string name_, path_;
  Checking checking_;
  // One for all threads: a look-up takes some 30 us, and several connections whose readings overlap without a gap would
  // never let a writer of another program in.
  mutable std::mutex mutex_;
  mutable std::optional<Reader> reader_;
};

Result<void> SqliteSource::prepare() {
  auto database = Database::open(path_, Database::Mode::existing);
  // One that is not ours to write serves with the schema that it has.
  if (!database) database = Database::open(path_, Database::Mode::lookup);
  if (!database) return tl::unexpected(database.error());
  auto sample = (*database)->prepare(kSample);
  if (!sample) return tl::unexpected(sample.error());
  auto row = sample->step();
  if (!row) return tl::unexpected(row.error());
  if (*row && check_stored_password(sample->text(0))) checking_.decoy = sample->text(0);
  return {};
}

// Keeps a connection that still means the file at the path, which an operator may replace at any time.
Result<void> SqliteSource::connect() const {
  if (reader_ && reader_->database->refresh()) return {};
  reader_.reset();  // first, so that nothing of the old file is there when the new one is opened
  auto database = Database::open(path_, Database::Mode::lookup);
  if (!database) return tl::unexpected(database.error());
  // One statement for hit and miss, so that both take the same (A22).
  auto find = (*database)->prepare(select_entries((*database)->schema()) + " WHERE name IN (?1, ?2)");
  if (!find) return tl::unexpected(find.error());
  std::optional<Statement> app_passwords;
  if ((*database)->schema() >= kSchemaWithAppPasswords) {
    auto prepared = (*database)->prepare(kSelectAppPasswords);
    if (!prepared) return tl::unexpected(prepared.error());
    app_passwords = std::move(*prepared);
  }
  reader_.emplace(Reader{std::move(*database), std::move(*find), std::move(app_passwords)});
  return {};
}

Result<Found> SqliteSource::read(Reader& reader, const std::string& user) {
  Statement& statement = reader.find;
  statement.bind(1, as_text(user));
  statement.bind(2, as_text(domain_entry_name(user)));
  Found found;
  for (;;) {
    auto row = statement.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    auto entry = entry_from(statement, reader.database->schema());
    if (!entry) return tl::unexpected(entry.error());
    (entry->name == user ? found.user : found.domain) = std::move(*entry);
  }
  statement.reset();
  if (!reader.app_passwords) return found;
  reader.app_passwords->bind(1, as_text(user));  // for a miss, too (A22)
  auto passwords = app_passwords_from(*reader.app_passwords);
  if (!passwords) return tl::unexpected(passwords.error());
  found.app_passwords = std::move(*passwords);
  return found;
}

Result<Found> SqliteSource::find(const std::string& user) const {
  std::lock_guard lock(mutex_);
  if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
  auto found = read(*reader_, user);
  if (found) return found;
  reader_.reset();  // a fresh connection next time
  return fail("database " + path_ + ": " + found.error().message);
}

std::unique_ptr<Directory> SqliteSource::make(Env& env) const { return make_shared_directory(env, *this); }

void SqliteSource::start(Env& env, Lookup& lookup, const Query& query) const {
  answer_on(env, Env::Pool::lookup, lookup, query, *this);
}

}  // namespace

Result<SharedSource> load_sqlite_directory(const config::Directory& from) {
  auto source = std::make_shared<SqliteSource>(from);
  if (auto ready = source->prepare(); !ready) return fail("directory " + from.name + ": " + ready.error().message);
  return SharedSource(std::move(source));
}

}  // namespace postigo
