// A directory in a SQL database: from rows to entries, which connection asks, who is asked next when one is away. Not
// here: client libraries (postgresql.cc, mysql.cc), what an entry means (entry.cc), when a use is written down
// (last_uses.cc).
#include "backends/directory/drivers/sql.h"

#include <algorithm>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/app_password.h"
#include "backends/directory/drivers/deadline.h"
#include "backends/directory/drivers/server_order.h"
#include "backends/directory/drivers/sql_terms.h"
#include "backends/directory/entry.h"
#include "backends/directory/last_uses.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/spares.h"
#include "backends/work/offload.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Kind = SqlTrouble::Kind;

constexpr size_t kSqlQueueMax = 1024;

// A name that no server has, or that one would take for another.
bool fits(std::string_view user) { return is_utf8(user) && fits_in_line(user); }

// A statement's answer.
struct Table {
  std::vector<std::string> columns;
  std::vector<SqlRow> rows;
};

class SqlSource final : public DirectorySource {
 public:
  explicit SqlSource(std::shared_ptr<const SqlTerms> terms)
      : terms_(std::move(terms)),
        order_(terms_->servers.size()),
        threads_(std::make_shared<Offload>(settings().threads, kSqlQueueMax, 2 * settings().timeout_ms,
                                           Offload::Running::left)),
        checking_{settings().check_password, default_decoy()} {
    if (terms_->used.empty()) return;
    uses_ =
        std::make_shared<LastUses>([kept = terms_](const LastUses::Uses& uses) { return write_sql_uses(*kept, uses); });
    checking_.used = [uses = uses_](const auto& user, const auto& password, int64_t now_s) {
      uses->tell(user, password, now_s);
    };
  }

  // Blocks. Only a statement that a server refuses is an error.
  Result<void> prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  std::string warning() const override { return warning_; }

  const std::string& name() const { return settings().name; }
  const Checking& checking() const { return checking_; }
  const std::shared_ptr<Offload>& threads() const { return threads_; }

  // On any thread; blocks.
  Result<Found> find(const std::string& user) const;

 private:
  using Tables = std::vector<Table>;  // as the statements
  struct Held {
    std::unique_ptr<SqlConnection> connection;
    size_t server;
  };

  const config::Directory& settings() const { return terms_->settings; }
  const std::string& written(size_t server) const { return terms_->servers[server].written; }
  SqlResult<void> check_columns(const SqlConnection& connection) const;
  SqlResult<Held> connect(size_t server) const;
  Result<void> try_used(size_t server) const;
  SqlResult<Tables> ask(const std::string& user) const;
  SqlResult<Tables> ask_anew(const std::string& user, const ServerOrder::Turn& turn, std::optional<size_t> but) const;
  SqlResult<Tables> ask_on(std::unique_ptr<Held> held, const std::string& user) const;
  Result<Found> entry_of(const Tables& tables) const;
  Result<AppPassword> app_password_of(const Table& table, const SqlRow& row) const;
  std::string told(const std::string& message) const { return "directory " + settings().name + ": " + message; }

  const std::shared_ptr<const SqlTerms> terms_;
  mutable ServerOrder order_;
  mutable Spares<Held> spares_;
  std::shared_ptr<Offload> threads_;
  Checking checking_;
  std::shared_ptr<LastUses> uses_;  // null: nobody is told of them
  std::string warning_;
};

bool has_column(const std::vector<std::string>& columns, const FieldNames& fields, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const std::string& column) { return equal_ignoring_case(fields.ours(column), name); });
}

SqlResult<void> SqlSource::check_columns(const SqlConnection& connection) const {
  const FieldNames& fields = terms_->fields;
  if (settings().check_password && !has_column(connection.columns(0), fields, "password")) {
    return sql_trouble(Kind::refused, "has no column \"password\", which check_password = true needs");
  }
  if (terms_->statements.size() == 1) return {};
  for (const char* name : {"password", "label"}) {
    if (has_column(connection.columns(1), fields, name)) continue;
    return of_statement(1, {Kind::refused, std::string("has no column \"") + name + '"', 1});
  }
  // A password that was revoked by what is of no effect here would let in.
  for (const char* name : {"disabled", "enabled", "disabled_until", "moving_until", "main_password"}) {
    if (!has_column(connection.columns(1), fields, name)) continue;
    return of_statement(1, {Kind::refused,
                            std::string("column \"") + name +
                                "\" bars a user, and no password of his: "
                                "leave those that may not be used out by WHERE",
                            1});
  }
  return {};
}

// Trouble tells of whom it is.
SqlResult<SqlSource::Held> SqlSource::connect(size_t server) const {
  auto made = terms_->client.connect(settings(), terms_->servers[server], terms_->statements);
  SqlResult<void> checked;
  if (!made) checked = tl::unexpected(made.error());
  if (checked) checked = check_columns(**made);
  if (checked) return Held{std::move(*made), server};
  const bool ours = checked.error().kind == Kind::refused;
  return sql_trouble(
      checked.error().kind,
      (ours ? terms_->statements[checked.error().statement].key : written(server)) + ": " + checked.error().message);
}

// The connection is kept if it is good for the next one.
SqlResult<SqlSource::Tables> SqlSource::ask_on(std::unique_ptr<Held> held, const std::string& user) const {
  Tables tables;
  for (size_t i = 0; i < terms_->statements.size(); ++i) {
    const SqlStatement& statement = terms_->statements[i];
    auto rows = held->connection->ask(i, statement.query.values(user));
    if (!rows) {
      const Kind kind = rows.error().kind;
      const bool ours = kind == Kind::refused || kind == Kind::too_much;
      const std::string whose = ours ? statement.key : written(held->server);
      if (kind == Kind::refused || kind == Kind::passing) spares_.give(std::move(held));
      return sql_trouble(kind, whose + ": " + rows.error().message);
    }
    tables.push_back({held->connection->columns(i), std::move(*rows)});
  }
  order_.served(held->server);
  spares_.give(std::move(held));
  return tables;
}

bool next_may_know(const SqlTrouble& trouble) { return trouble.kind == Kind::lost || trouble.kind == Kind::late; }

SqlResult<SqlSource::Tables> SqlSource::ask_anew(const std::string& user, const ServerOrder::Turn& turn,
                                                 std::optional<size_t> but) const {
  SqlTrouble trouble{Kind::lost, "no server can be reached"};
  for (size_t server : turn.order) {
    if (server == but) continue;
    auto held = connect(server);
    auto tables = held ? ask_on(std::make_unique<Held>(std::move(*held)), user)
                       : SqlResult<Tables>(tl::unexpected(std::move(held.error())));
    if (tables || !next_may_know(tables.error())) return tables;
    order_.failed(server, steady_ms());
    trouble = std::move(tables.error());
  }
  return tl::unexpected(std::move(trouble));
}

// A kept connection that has ended meanwhile is nobody's fault, and the others are likely to have ended with it. One
// that does not answer is of a server that hangs.
SqlResult<SqlSource::Tables> SqlSource::ask(const std::string& user) const {
  std::optional<size_t> hangs;
  SqlTrouble trouble{Kind::lost, {}};
  if (auto held = spares_.take()) {
    const size_t server = held->server;
    auto tables = ask_on(std::move(held), user);
    if (tables || !next_may_know(tables.error())) return tables;
    spares_.clear();
    trouble = std::move(tables.error());
    if (trouble.kind == Kind::late) {
      hangs = server;
      order_.failed(server, steady_ms());
      if (terms_->servers.size() == 1) return tl::unexpected(std::move(trouble));
    }
  }
  const ServerOrder::Turn turn = order_.begin(steady_ms());
  auto tables = ask_anew(user, turn, hangs);
  order_.end(turn);
  return tables;
}

Result<Found> SqlSource::entry_of(const Tables& tables) const {
  Found found;
  const Table& query = tables.front();
  for (const SqlRow& row : query.rows) {  // one, or none
    Entry& entry = found.user.emplace();
    for (size_t i = 0; i < query.columns.size(); ++i) {
      if (!row[i]) continue;
      auto set = set_field(entry, terms_->fields.ours(query.columns[i]), *row[i]);
      if (!set) return fail(told("column " + query.columns[i] + ": " + set.error().message));
    }
  }
  if (tables.size() == 1) return found;
  for (const SqlRow& row : tables[1].rows) {
    auto password = app_password_of(tables[1], row);
    if (!password) return fail(told("sql.app_passwords: " + password.error().message));
    found.app_passwords.push_back(std::move(*password));
  }
  return found;
}

Result<AppPassword> SqlSource::app_password_of(const Table& table, const SqlRow& row) const {
  AppPassword password;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const std::string_view field = terms_->fields.ours(table.columns[i]);
    if (!row[i] || equal_ignoring_case(field, "used")) continue;  // when it was used, the database knows for itself
    auto set = set_app_field(password, field, *row[i]);
    if (!set) return fail("column " + table.columns[i] + ": " + set.error().message);
  }
  if (auto fit = check_app_password(password); !fit) return tl::unexpected(fit.error());
  return password;
}

Result<Found> SqlSource::find(const std::string& user) const {
  auto tables = ask(user);
  if (!tables) return fail(told(tables.error().message));
  return entry_of(*tables);
}

// Whether the server knows what it would be told.
Result<void> SqlSource::try_used(size_t server) const {
  if (terms_->used.empty()) return {};
  auto made = terms_->client.connect(settings(), terms_->servers[server], terms_->used);
  if (made || made.error().kind != Kind::refused) return {};
  return fail("sql.used: " + made.error().message);
}

Result<void> SqlSource::prepare() {
  for (size_t server = 0; server < terms_->servers.size(); ++server) {
    auto held = connect(server);
    if (held) {
      spares_.give(std::make_unique<Held>(std::move(*held)));
      return try_used(server);
    }
    if (held.error().kind == Kind::refused) return fail(held.error().message);
    order_.failed(server, steady_ms());
    warning_ = told(held.error().message);
  }
  return {};
}

std::unique_ptr<Directory> SqlSource::make(Env& env) const { return make_shared_directory(env, *this); }

void SqlSource::start(Env& env, Lookup& lookup, const Query& query) const {
  if (query.want == Want::token || !fits(query.user)) return answer_later(env, lookup, {Verdict::no_such_user, {}, {}});
  if (uses_ != nullptr) {
    if (std::string why = uses_->take_trouble(); !why.empty()) lookup.note(std::move(why));
  }
  answer_on(env, threads_, lookup, query, *this);
}

Result<SharedSource> load(const config::Directory& from, const SqlClient& client) {
  auto terms = sql_terms_of(from, client);
  if (!terms) return tl::unexpected(terms.error());
  auto source = std::make_shared<SqlSource>(std::move(*terms));
  if (auto ready = source->prepare(); !ready) return tl::unexpected(ready.error());
  return SharedSource(std::move(source));
}

Result<SharedSource> load_named(const config::Directory& from, const SqlClient& client) {
  auto source = load(from, client);
  if (!source) return fail("directory " + from.name + ": " + source.error().message);
  return source;
}

}  // namespace

std::string sql_authorities(const config::Directory& settings) {
  return settings.tls_ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : settings.tls_ca;
}

Result<SharedSource> load_postgresql_directory(const config::Directory& from) { return load_named(from, kPostgresql); }

Result<SharedSource> load_mysql_directory(const config::Directory& from) { return load_named(from, kMysql); }

}  // namespace postigo
