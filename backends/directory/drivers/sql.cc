// A directory in a SQL database: from rows to entries, which connection asks, who is asked next when one is away. Not
// here: client libraries (postgresql.cc, mysql.cc), what an entry means (entry.cc).
#include "backends/directory/drivers/sql.h"

#include <utility>

#include "backends/client_network.h"
#include "backends/directory/drivers/deadline.h"
#include "backends/directory/drivers/server_order.h"
#include "backends/directory/entry.h"
#include "backends/directory/fields.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/spares.h"
#include "backends/work/offload.h"
#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Kind = SqlTrouble::Kind;

constexpr size_t kQueueMax = 1024;

// A name that no server has, or that one would take for another.
bool fits(std::string_view user) { return is_utf8(user) && fits_in_line(user); }

Result<SqlServer> server_of(const std::string& written, uint16_t port) {
  SqlServer server{written, {}, 0, {}};
  if (written.starts_with('/')) {
    server.path = written;
    return server;
  }
  auto endpoint = config::parse_endpoint(written, port);
  if (!endpoint) return fail("servers: " + written + ": " + endpoint.error().message);
  server.host = endpoint->host;
  server.port = endpoint->port;
  return server;
}

class SqlSource final : public DirectorySource {
 public:
  SqlSource(const config::Directory& from, const SqlClient& client, SqlQuery query, FieldNames fields,
            std::vector<SqlServer> servers)
      : settings_(from),
        client_(client),
        query_(std::move(query)),
        fields_(std::move(fields)),
        servers_(std::move(servers)),
        order_(servers_.size()),
        threads_(std::make_shared<Offload>(from.threads, kQueueMax, 2 * from.timeout_ms, Offload::Running::left)),
        checking_{from.check_password, default_decoy()} {}

  // Blocks. Only a query that a server refuses is an error.
  Result<void> prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  std::string warning() const override { return warning_; }

  const std::string& name() const { return settings_.name; }
  const Checking& checking() const { return checking_; }
  const std::shared_ptr<Offload>& threads() const { return threads_; }

  // On any thread; blocks.
  Result<Found> find(const std::string& user) const;

 private:
  using Row = std::pair<std::vector<std::string>, std::optional<SqlRow>>;  // with the names of the columns
  struct Held {
    std::unique_ptr<SqlConnection> connection;
    size_t server;
  };

  SqlResult<Held> connect(size_t server) const;
  SqlResult<Row> ask(const std::vector<std::string>& values) const;
  SqlResult<Row> ask_anew(const std::vector<std::string>& values, const ServerOrder::Turn& turn,
                          std::optional<size_t> but) const;
  SqlResult<Row> ask_on(std::unique_ptr<Held> held, const std::vector<std::string>& values) const;
  Result<Found> entry_of(const Row& row) const;
  std::string told(const std::string& message) const { return "directory " + settings_.name + ": " + message; }

  const config::Directory settings_;
  const SqlClient& client_;
  const SqlQuery query_;
  const FieldNames fields_;
  const std::vector<SqlServer> servers_;
  mutable ServerOrder order_;
  mutable Spares<Held> spares_;
  std::shared_ptr<Offload> threads_;
  Checking checking_;
  std::string warning_;
};

bool has_password(const std::vector<std::string>& columns, const FieldNames& fields) {
  for (const std::string& column : columns) {
    if (equal_ignoring_case(fields.ours(column), "password")) return true;
  }
  return false;
}

// Trouble tells of whom it is.
SqlResult<SqlSource::Held> SqlSource::connect(size_t server) const {
  auto made = client_.connect(settings_, servers_[server], query_);
  if (!made) {
    const bool ours = made.error().kind == Kind::refused;
    return sql_trouble(made.error().kind,
                       (ours ? "sql.query" : servers_[server].written) + ": " + made.error().message);
  }
  if (settings_.check_password && !has_password((*made)->columns(), fields_)) {
    return sql_trouble(Kind::refused, "sql.query: has no column \"password\", which check_password = true needs");
  }
  return Held{std::move(*made), server};
}

// The connection is kept if it is good for the next one.
SqlResult<SqlSource::Row> SqlSource::ask_on(std::unique_ptr<Held> held, const std::vector<std::string>& values) const {
  auto row = held->connection->ask(values);
  const std::string written = servers_[held->server].written;
  if (!row) {
    const Kind kind = row.error().kind;
    const bool query = kind == Kind::refused || kind == Kind::too_much;
    if (kind == Kind::refused || kind == Kind::passing) spares_.give(std::move(held));
    return sql_trouble(kind, (query ? "sql.query" : written) + ": " + row.error().message);
  }
  Row found{held->connection->columns(), std::move(*row)};
  order_.served(held->server);
  spares_.give(std::move(held));
  return found;
}

bool next_may_know(const SqlTrouble& trouble) { return trouble.kind == Kind::lost || trouble.kind == Kind::late; }

SqlResult<SqlSource::Row> SqlSource::ask_anew(const std::vector<std::string>& values, const ServerOrder::Turn& turn,
                                              std::optional<size_t> but) const {
  SqlTrouble trouble{Kind::lost, "no server can be reached"};
  for (size_t server : turn.order) {
    if (server == but) continue;
    auto held = connect(server);
    auto row = held ? ask_on(std::make_unique<Held>(std::move(*held)), values)
                    : SqlResult<Row>(tl::unexpected(std::move(held.error())));
    if (row || !next_may_know(row.error())) return row;
    order_.failed(server, steady_ms());
    trouble = std::move(row.error());
  }
  return tl::unexpected(std::move(trouble));
}

// A kept connection that has ended meanwhile is nobody's fault, and the others are likely to have ended with it. One
// that does not answer is of a server that hangs.
SqlResult<SqlSource::Row> SqlSource::ask(const std::vector<std::string>& values) const {
  std::optional<size_t> hangs;
  SqlTrouble trouble{Kind::lost, {}};
  if (auto held = spares_.take()) {
    const size_t server = held->server;
    auto row = ask_on(std::move(held), values);
    if (row || !next_may_know(row.error())) return row;
    spares_.clear();
    trouble = std::move(row.error());
    if (trouble.kind == Kind::late) {
      hangs = server;
      order_.failed(server, steady_ms());
      if (servers_.size() == 1) return tl::unexpected(std::move(trouble));
    }
  }
  const ServerOrder::Turn turn = order_.begin(steady_ms());
  auto row = ask_anew(values, turn, hangs);
  order_.end(turn);
  return row;
}

Result<Found> SqlSource::entry_of(const Row& row) const {
  Found found;
  if (!row.second) return found;
  Entry& entry = found.user.emplace();
  for (size_t i = 0; i < row.first.size(); ++i) {
    const auto& value = (*row.second)[i];
    if (!value) continue;
    auto set = set_field(entry, fields_.ours(row.first[i]), *value);
    if (!set) return fail(told("column " + row.first[i] + ": " + set.error().message));
  }
  return found;
}

Result<Found> SqlSource::find(const std::string& user) const {
  auto row = ask(query_.values(user));
  if (!row) return fail(told(row.error().message));
  return entry_of(*row);
}

Result<void> SqlSource::prepare() {
  for (size_t server = 0; server < servers_.size(); ++server) {
    auto held = connect(server);
    if (held) {
      spares_.give(std::make_unique<Held>(std::move(*held)));
      return {};
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
  answer_on(env, threads_, lookup, query, *this);
}

Result<SharedSource> load(const config::Directory& from, const SqlClient& client) {
  auto query = SqlQuery::parse(from.sql.query, client.dialect);
  if (!query) return fail("sql.query: " + query.error().message);
  auto fields = FieldNames::parse(from.fields);
  if (!fields) return fail("fields: " + fields.error().message);
  std::vector<SqlServer> servers;
  for (const std::string& written : from.servers) {
    auto server = server_of(written, client.port);
    if (!server) return tl::unexpected(server.error());
    servers.push_back(std::move(*server));
  }
  auto source = std::make_shared<SqlSource>(from, client, std::move(*query), std::move(*fields), std::move(servers));
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
