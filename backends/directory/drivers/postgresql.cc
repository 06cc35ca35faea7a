// PostgreSQL by libpq. Its calls that do not block, with a poll() of our own between them: so each answer has a
// deadline in milliseconds, whoever hangs. Not here: which server, what a row means (sql.cc).
//
// libpq brings OpenSSL, whose symbols have the names of BoringSSL's. That is safe as long as this program exports none
// of them (deploy/cmake/BoringSSL.cmake, tests/checks/exports.sh).
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "backends/directory/drivers/deadline.h"
#include "backends/directory/drivers/sql.h"

namespace postigo {
namespace {

using Kind = SqlTrouble::Kind;
using PostgresqlHandle = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr Oid kText = 25;  // pg_type

// Without libpq's questions to whoever sits before a terminal, each in a line that begins with a tab.
std::string one_line(std::string_view text) {
  std::string line;
  bool question = false;
  for (char c : text) {
    if (c == '\t' || c == '\n') question = c == '\t';
    const char next = c == '\n' ? ' ' : c;
    if (!question && !(next == ' ' && (line.empty() || line.back() == ' '))) line += next;
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

// What SQLSTATE says (the documentation's appendix A).
Kind kind_of(std::string_view state) {
  const std::string_view kind = state.substr(0, 2);
  if (state == "57014") return Kind::passing;  // it took longer than statement_timeout
  // 26000: whoever pools connections gave us another one.
  if (kind == "08" || kind == "57" || state == "26000" || state.empty()) return Kind::lost;
  if (kind == "42" || kind == "22" || kind == "21" || kind == "0A") return Kind::refused;
  return Kind::passing;
}

class Postgresql final : public SqlConnection {
 public:
  Postgresql(PostgresqlHandle connection, uint64_t timeout_ms)
      : connection_(std::move(connection)), timeout_ms_(timeout_ms) {}

  SqlResult<void> set_up();
  SqlResult<void> prepare(const SqlStatement& statement);

  const std::vector<std::string>& columns(size_t statement) const override { return statements_[statement].columns; }
  SqlResult<std::vector<SqlRow>> ask(size_t statement, const std::vector<std::string>& values) override;

 private:
  // The next result of what was sent; null: the last was the last.
  SqlResult<Answer> next(const Deadline& deadline);
  // All of what was sent, where no rows are expected.
  SqlResult<Answer> only(bool sent);
  struct Prepared {
    std::string name;
    size_t rows_max;
    std::vector<std::string> columns;
  };

  SqlResult<void> prepare_as(const std::string& name, const SqlQuery& query, const std::vector<Oid>& types);
  SqlResult<void> describe(Prepared& prepared, size_t places);
  SqlResult<void> take(const PGresult& answer, const Prepared& prepared, std::vector<SqlRow>& rows, size_t& skipped);
  static SqlResult<SqlRow> row_of(const PGresult& answer, const Prepared& prepared);
  tl::unexpected<SqlTrouble> lost() const {
    return sql_trouble(Kind::lost, one_line(PQerrorMessage(connection_.get())));
  }
  tl::unexpected<SqlTrouble> late() const { return sql_trouble(Kind::late, "no answer in time"); }

  PostgresqlHandle connection_;
  uint64_t timeout_ms_;
  std::vector<Prepared> statements_;
};

tl::unexpected<SqlTrouble> trouble_of(const PGresult& answer) {
  const char* state = PQresultErrorField(&answer, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(&answer, PG_DIAG_MESSAGE_PRIMARY);
  return sql_trouble(kind_of(state != nullptr ? state : ""),
                     one_line(message != nullptr ? message : PQresultErrorMessage(&answer)));
}

// What was prepared once is not supported any more: the table has changed, and a new connection will know it.
tl::unexpected<SqlTrouble> executed_in_vain(const PGresult& answer) {
  const char* state = PQresultErrorField(&answer, PG_DIAG_SQLSTATE);
  auto trouble = trouble_of(answer);
  if (state != nullptr && std::string_view(state) == "0A000") trouble.value().kind = Kind::lost;
  return trouble;
}

bool failed(const PGresult& answer) {
  const ExecStatusType status = PQresultStatus(&answer);
  return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE;
}

SqlResult<Answer> Postgresql::next(const Deadline& deadline) {
  PGconn* connection = connection_.get();
  const int descriptor = PQsocket(connection);
  for (int unsent; (unsent = PQflush(connection)) != 0;) {
    if (unsent < 0) return lost();
    if (!deadline.wait(descriptor, POLLIN | POLLOUT)) return late();
    if (PQconsumeInput(connection) == 0) return lost();
  }
  while (PQisBusy(connection) != 0) {
    if (!deadline.wait(descriptor, POLLIN)) return late();
    if (PQconsumeInput(connection) == 0) return lost();
  }
  return Answer(PQgetResult(connection), PQclear);
}

SqlResult<Answer> Postgresql::only(bool sent) {
  if (!sent) return lost();
  const Deadline end = answer_deadline(timeout_ms_);
  Answer kept(nullptr, PQclear);
  for (;;) {
    auto answer = next(end);
    if (!answer) return answer;
    if (*answer == nullptr) break;
    if (kept == nullptr || !failed(*kept)) kept = std::move(*answer);
  }
  if (kept == nullptr) return lost();
  if (failed(*kept)) return trouble_of(*kept);
  return kept;
}

SqlResult<void> Postgresql::prepare_as(const std::string& name, const SqlQuery& query, const std::vector<Oid>& types) {
  auto done = only(PQsendPrepare(connection_.get(), name.c_str(), query.text().c_str(), static_cast<int>(types.size()),
                                 types.data()) == 1);
  if (!done) return tl::unexpected(done.error());
  return {};
}

SqlResult<void> Postgresql::describe(Prepared& prepared, size_t places) {
  auto described = only(PQsendDescribePrepared(connection_.get(), prepared.name.c_str()) == 1);
  if (!described) return tl::unexpected(described.error());
  const PGresult* answer = described->get();
  if (static_cast<size_t>(PQnparams(answer)) != places) {
    return sql_trouble(Kind::refused, "has $1 or another number of its own: write %u, %n or %d");
  }
  for (int i = 0; i < PQnfields(answer); ++i) prepared.columns.emplace_back(PQfname(answer, i));
  if (prepared.columns.empty() && prepared.rows_max != 0) return sql_trouble(Kind::refused, "gives no rows");
  return {};
}

SqlResult<void> Postgresql::set_up() {
  const std::string limit = "SET statement_timeout = " + std::to_string(timeout_ms_);
  if (auto set = only(PQsendQuery(connection_.get(), limit.c_str()) == 1); !set) return tl::unexpected(set.error());
  return {};
}

// Each place has the type that it is compared with, as a literal would have; text where the server cannot tell.
SqlResult<void> Postgresql::prepare(const SqlStatement& statement) {
  const SqlQuery& query = statement.query;
  Prepared& made =
      statements_.emplace_back(Prepared{"postigo" + std::to_string(statements_.size()), statement.rows_max, {}});
  auto prepared = prepare_as(made.name, query, std::vector<Oid>(query.places(), 0));
  if (!prepared && prepared.error().kind == Kind::refused && query.places() != 0) {
    auto as_text = prepare_as(made.name, query, std::vector<Oid>(query.places(), kText));
    if (as_text) prepared = as_text;
  }
  if (!prepared) return prepared;
  return describe(made, query.places());
}

SqlResult<SqlRow> Postgresql::row_of(const PGresult& answer, const Prepared& prepared) {
  SqlRow row(prepared.columns.size());
  for (size_t i = 0; i < row.size(); ++i) {
    const int column = static_cast<int>(i);
    if (PQgetisnull(&answer, 0, column) != 0) continue;
    const auto size = static_cast<size_t>(PQgetlength(&answer, 0, column));
    if (size > kSqlValueMax) {
      return sql_trouble(Kind::too_much, "a value of column " + prepared.columns[i] + " is too long");
    }
    row[i].emplace(PQgetvalue(&answer, 0, column), size);
  }
  return row;
}

SqlResult<void> Postgresql::take(const PGresult& answer, const Prepared& prepared, std::vector<SqlRow>& rows,
                                 size_t& skipped) {
  if (rows.size() >= prepared.rows_max) {
    if (prepared.rows_max == 1) return sql_trouble(Kind::too_much, "more than one row for one name");
    if (++skipped > kSqlSkippedMax) return sql_trouble(Kind::too_much, "far too many rows for one name");
    return {};
  }
  auto row = row_of(answer, prepared);
  if (!row) return tl::unexpected(row.error());
  rows.push_back(std::move(*row));
  return {};
}

SqlResult<std::vector<SqlRow>> Postgresql::ask(size_t statement, const std::vector<std::string>& values) {
  const Prepared& prepared = statements_[statement];
  std::vector<const char*> texts;
  for (const std::string& value : values) texts.push_back(value.c_str());
  PGconn* connection = connection_.get();
  if (PQsendQueryPrepared(connection, prepared.name.c_str(), static_cast<int>(texts.size()), texts.data(), nullptr,
                          nullptr, 0) != 1) {
    return lost();
  }
  PQsetSingleRowMode(connection);
  const Deadline end = answer_deadline(timeout_ms_);
  std::vector<SqlRow> rows;
  size_t skipped = 0;
  SqlResult<void> trouble;
  for (;;) {
    auto answer = next(end);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer == nullptr) break;
    if (failed(**answer)) trouble = executed_in_vain(**answer);
    if (PQresultStatus(answer->get()) != PGRES_SINGLE_TUPLE) continue;
    if (auto taken = take(**answer, prepared, rows, skipped); !taken) return tl::unexpected(taken.error());
  }
  if (!trouble) return tl::unexpected(trouble.error());
  return rows;
}

const char* tls_of(const config::Directory& settings) {
  if (settings.tls == config::Directory::Tls::off) return "disable";
  return settings.tls_verify ? "verify-full" : "require";
}

// A path is the socket, or its folder as libpq has it.
std::pair<std::string, std::string> place_of(const SqlServer& server) {
  if (server.path.empty()) return {server.host, std::to_string(server.port)};
  constexpr std::string_view kSocket = "/.s.PGSQL.";
  const size_t at = server.path.rfind(kSocket);
  if (at == std::string::npos) return {server.path, "5432"};
  return {server.path.substr(0, at), server.path.substr(at + kSocket.size())};
}

// What is not said stays unsaid: libpq has defaults, and the environment does not decide where TLS trusts.
PostgresqlHandle begin(const config::Directory& settings, const SqlServer& server) {
  const auto [host, port] = place_of(server);
  std::string password(settings.password.reveal());
  const std::string timeout = std::to_string(settings.timeout_ms);
  const std::string authorities = settings.tls_verify ? sql_authorities(settings) : "";
  const std::array<std::pair<const char*, const char*>, 12> options{{
      {"host", host.c_str()},
      {"port", port.c_str()},
      {"dbname", settings.sql.database.c_str()},
      {"user", settings.login.c_str()},
      {"password", password.c_str()},
      {"sslmode", tls_of(settings)},
      {"sslrootcert", authorities.c_str()},
      {"gssencmode", "disable"},
      {"client_encoding", "UTF8"},
      {"tcp_user_timeout", timeout.c_str()},
      {"application_name", "postigo"},
      {nullptr, nullptr},
  }};
  std::array<const char*, options.size()> names{}, texts{};
  std::transform(options.begin(), options.end(), names.begin(), [](const auto& option) { return option.first; });
  std::transform(options.begin(), options.end(), texts.begin(), [](const auto& option) { return option.second; });
  PostgresqlHandle connection(PQconnectStartParams(names.data(), texts.data(), 0), PQfinish);
  wipe(password.data(), password.size());
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);  // else they go to standard error
  return connection;
}

SqlResult<PostgresqlHandle> open(const config::Directory& settings, const SqlServer& server) {
  PostgresqlHandle connection = begin(settings, server);
  if (connection == nullptr) return sql_trouble(Kind::lost, "out of memory");
  const Deadline deadline(settings.timeout_ms);
  PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
  while (wants != PGRES_POLLING_OK && PQstatus(connection.get()) != CONNECTION_BAD) {
    const short events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!deadline.wait(PQsocket(connection.get()), events)) return sql_trouble(Kind::late, "no answer in time");
    wants = PQconnectPoll(connection.get());
  }
  if (PQstatus(connection.get()) != CONNECTION_OK || PQsetnonblocking(connection.get(), 1) != 0) {
    return sql_trouble(Kind::lost, one_line(PQerrorMessage(connection.get())));
  }
  return connection;
}

SqlResult<std::unique_ptr<SqlConnection>> connect(const config::Directory& settings, const SqlServer& server,
                                                  std::span<const SqlStatement> statements) {
  auto connection = open(settings, server);
  if (!connection) return tl::unexpected(connection.error());
  auto made = std::make_unique<Postgresql>(std::move(*connection), settings.timeout_ms);
  if (auto ready = made->set_up(); !ready) return tl::unexpected(ready.error());
  for (size_t i = 0; i < statements.size(); ++i) {
    if (auto ready = made->prepare(statements[i]); !ready) return of_statement(i, std::move(ready.error()));
  }
  return made;
}

}  // namespace

const SqlClient kPostgresql{{true, false, false, true}, 5432, connect};

}  // namespace postigo
