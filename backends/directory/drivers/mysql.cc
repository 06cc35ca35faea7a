// MySQL and MariaDB by libmariadb. Its calls block; where it waits for a socket it asks us to, so that each answer has
// a deadline, whoever hangs or trickles. Not here: which server, what a row means (sql.cc).
#include <mysql.h>
#include <poll.h>

#include <cerrno>
#include <mutex>
#include <string_view>
#include <utility>

#include "backends/directory/drivers/deadline.h"
#include "backends/directory/drivers/sql.h"

namespace postigo {
namespace {

using Kind = SqlTrouble::Kind;
using MysqlHandle = std::unique_ptr<MYSQL, decltype(&mysql_close)>;
using Statement = std::unique_ptr<MYSQL_STMT, my_bool (*)(MYSQL_STMT*)>;
using Metadata = std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)>;

// What proves a password without showing it; a server may ask for none of the others.
constexpr const char* kMethods = "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password";
constexpr size_t kPacketMax = 4 << 20;

// What the server, or the library for it, has said. `state` is SQLSTATE.
Kind kind_of(unsigned number, std::string_view state) {
  constexpr unsigned kLibrary = 2000, kLibraryEnd = 3000, kKilled = 1927, kShutdown = 1053, kUnknownStatement = 1243;
  if (number >= kLibrary && number < kLibraryEnd) return Kind::lost;
  if (number == kKilled || number == kShutdown || number == kUnknownStatement) return Kind::lost;
  const std::string_view kind = state.substr(0, 2);
  if (kind == "08") return Kind::lost;
  if (kind == "42" || kind == "22" || kind == "21") return Kind::refused;
  return Kind::passing;
}

// Of the call that this thread is in.
thread_local Deadline deadline{0};

// As libmariadb has it: 1 when ready, 0 when it took too long.
int wait_for(my_socket descriptor, my_bool to_read, int) {
  if (deadline.wait(descriptor, to_read != 0 ? POLLIN : POLLOUT)) return 1;
  errno = ETIMEDOUT;
  return 0;
}

class Mysql final : public SqlConnection {
 public:
  Mysql(MysqlHandle connection, uint64_t timeout_ms) : connection_(std::move(connection)), timeout_ms_(timeout_ms) {}

  SqlResult<void> prepare(const SqlStatement& statement);

  const std::vector<std::string>& columns(size_t statement) const override { return statements_[statement].columns; }
  SqlResult<std::vector<SqlRow>> ask(size_t statement, const std::vector<std::string>& values) override;

 private:
  struct Prepared {
    Statement statement;
    size_t rows_max;
    std::vector<std::string> columns;
  };
  // Of one column; what it holds is fetched when its length is known.
  struct Cell {
    unsigned long size = 0;
    my_bool null = 0, cut = 0;
  };

  static bool execute(MYSQL_STMT* statement, const std::vector<std::string>& values);
  static bool bind(MYSQL_STMT* statement, std::vector<Cell>& cells);
  static SqlResult<std::vector<SqlRow>> rows(const Prepared& prepared);
  static SqlResult<SqlRow> row(const Prepared& prepared, const std::vector<Cell>& cells);
  static SqlResult<std::string> value(const Prepared& prepared, size_t column, const Cell& cell);
  static tl::unexpected<SqlTrouble> trouble(MYSQL_STMT* statement);

  MysqlHandle connection_;
  std::vector<Prepared> statements_;  // go first
  uint64_t timeout_ms_;
};

// The library does not tell silence from an end.
tl::unexpected<SqlTrouble> Mysql::trouble(MYSQL_STMT* statement) {
  const Kind kind = kind_of(mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement));
  if (kind == Kind::lost && deadline.passed()) return sql_trouble(Kind::late, "no answer in time");
  return sql_trouble(kind, mysql_stmt_error(statement));
}

SqlResult<void> Mysql::prepare(const SqlStatement& wanted) {
  deadline = answer_deadline(timeout_ms_);
  statements_.push_back({Statement(mysql_stmt_init(connection_.get()), mysql_stmt_close), wanted.rows_max, {}});
  Prepared& made = statements_.back();
  MYSQL_STMT* statement = made.statement.get();
  if (mysql_stmt_prepare(statement, wanted.query.text().data(), wanted.query.text().size()) != 0) {
    return trouble(statement);
  }
  if (mysql_stmt_param_count(statement) != wanted.query.places()) {
    return sql_trouble(Kind::refused, "has a ? of its own: write %u, %n or %d");
  }
  const Metadata metadata(mysql_stmt_result_metadata(statement), mysql_free_result);
  if (metadata == nullptr) {
    if (made.rows_max == 0) return {};
    return sql_trouble(Kind::refused, "gives no rows");
  }
  for (unsigned i = 0; i < mysql_num_fields(metadata.get()); ++i) {
    made.columns.emplace_back(mysql_fetch_field_direct(metadata.get(), i)->name);
  }
  return {};
}

bool Mysql::execute(MYSQL_STMT* statement, const std::vector<std::string>& values) {
  std::vector<MYSQL_BIND> places(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    places[i].buffer_type = MYSQL_TYPE_STRING;
    places[i].buffer = const_cast<char*>(values[i].data());  // only read
    places[i].buffer_length = static_cast<unsigned long>(values[i].size());
  }
  if (!places.empty() && mysql_stmt_bind_param(statement, places.data()) != 0) return false;
  return mysql_stmt_execute(statement) == 0;
}

bool Mysql::bind(MYSQL_STMT* statement, std::vector<Cell>& cells) {
  std::vector<MYSQL_BIND> results(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    results[i].buffer_type = MYSQL_TYPE_STRING;
    results[i].length = &cells[i].size;
    results[i].is_null = &cells[i].null;
    results[i].error = &cells[i].cut;
  }
  return mysql_stmt_bind_result(statement, results.data()) == 0;
}

SqlResult<std::string> Mysql::value(const Prepared& prepared, size_t column, const Cell& cell) {
  if (cell.size > kSqlValueMax) {
    return sql_trouble(Kind::too_much, "a value of column " + prepared.columns[column] + " is too long");
  }
  std::string text(cell.size, '\0');
  Cell again;
  MYSQL_BIND into{};
  into.buffer_type = MYSQL_TYPE_STRING;
  into.buffer = text.data();
  into.buffer_length = cell.size;
  into.length = &again.size;
  into.is_null = &again.null;
  into.error = &again.cut;
  MYSQL_STMT* statement = prepared.statement.get();
  if (mysql_stmt_fetch_column(statement, &into, static_cast<unsigned>(column), 0) != 0) {
    return sql_trouble(Kind::lost, mysql_stmt_error(statement));
  }
  return text;
}

SqlResult<SqlRow> Mysql::row(const Prepared& prepared, const std::vector<Cell>& cells) {
  SqlRow row(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].null != 0) continue;
    auto text = value(prepared, i, cells[i]);
    if (!text) return tl::unexpected(text.error());
    row[i] = std::move(*text);
  }
  return row;
}

SqlResult<std::vector<SqlRow>> Mysql::rows(const Prepared& prepared) {
  MYSQL_STMT* statement = prepared.statement.get();
  std::vector<Cell> cells(prepared.columns.size());
  if (!bind(statement, cells)) return trouble(statement);
  std::vector<SqlRow> rows;
  for (size_t seen = 0;; ++seen) {
    const int fetched = mysql_stmt_fetch(statement);
    if (fetched == MYSQL_NO_DATA) return rows;
    if (fetched != 0 && fetched != MYSQL_DATA_TRUNCATED) return trouble(statement);
    if (seen >= prepared.rows_max) {
      if (prepared.rows_max == 1) return sql_trouble(Kind::too_much, "more than one row for one name");
      if (seen > prepared.rows_max + kSqlSkippedMax) {
        return sql_trouble(Kind::too_much, "far too many rows for one name");
      }
      continue;
    }
    auto next = row(prepared, cells);
    if (!next) return tl::unexpected(next.error());
    rows.push_back(std::move(*next));
  }
}

SqlResult<std::vector<SqlRow>> Mysql::ask(size_t statement, const std::vector<std::string>& values) {
  deadline = answer_deadline(timeout_ms_);
  const Prepared& prepared = statements_[statement];
  MYSQL_STMT* handle = prepared.statement.get();
  if (!execute(handle, values)) return trouble(handle);
  if (mysql_stmt_field_count(handle) != prepared.columns.size())
    return sql_trouble(Kind::lost, "the table has changed");
  if (prepared.columns.empty()) return std::vector<SqlRow>();
  return rows(prepared);
}

void set_tls(MYSQL* connection, const config::Directory& settings) {
  if (settings.tls == config::Directory::Tls::off) return;
  const my_bool yes = 1;
  const my_bool verify = settings.tls_verify ? 1 : 0;
  mysql_optionsv(connection, MYSQL_OPT_SSL_ENFORCE, &yes);
  mysql_optionsv(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  if (settings.tls_verify) mysql_optionsv(connection, MYSQL_OPT_SSL_CA, sql_authorities(settings).c_str());
}

// No file is ever sent to a server that asks for it, and no my.cnf is read.
void set_options(MYSQL* connection, const config::Directory& settings, bool socket) {
  const auto seconds = static_cast<unsigned>((settings.timeout_ms + 999) / 1000);  // without any it would not ask us
  const unsigned off = 0;
  const size_t packet = kPacketMax;
  const unsigned protocol = socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  mysql_optionsv(connection, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  mysql_optionsv(connection, MYSQL_OPT_READ_TIMEOUT, &seconds);
  mysql_optionsv(connection, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  mysql_optionsv(connection, MARIADB_OPT_IO_WAIT, wait_for);
  mysql_optionsv(connection, MYSQL_OPT_LOCAL_INFILE, &off);
  mysql_optionsv(connection, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
  mysql_optionsv(connection, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_optionsv(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv(connection, MARIADB_OPT_RESTRICTED_AUTH, kMethods);
  if (!socket) set_tls(connection, settings);
}

// MySQL has another name and another unit for it; where there is none, the socket's time-out remains.
void limit_statements(MYSQL* connection, uint64_t timeout_ms) {
  const std::string seconds =
      std::to_string(timeout_ms / 1000) + "." + std::to_string(timeout_ms % 1000 + 1000).substr(1);
  const std::string set = mariadb_connection(connection) != 0
                              ? "SET SESSION max_statement_time = " + seconds
                              : "SET SESSION max_execution_time = " + std::to_string(timeout_ms);
  (void)mysql_real_query(connection, set.data(), static_cast<unsigned long>(set.size()));
}

SqlResult<MysqlHandle> open(const config::Directory& settings, const SqlServer& server) {
  static std::once_flag once;
  std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
  MysqlHandle connection(mysql_init(nullptr), mysql_close);
  if (connection == nullptr) return sql_trouble(Kind::lost, "out of memory");
  const bool socket = !server.path.empty();
  set_options(connection.get(), settings, socket);
  std::string password(settings.password.reveal());
  deadline = Deadline(settings.timeout_ms);
  const bool connected = mysql_real_connect(connection.get(), socket ? nullptr : server.host.c_str(),
                                            settings.login.c_str(), password.c_str(), settings.sql.database.c_str(),
                                            server.port, socket ? server.path.c_str() : nullptr, 0) != nullptr;
  wipe(password.data(), password.size());
  if (!connected) {
    if (deadline.passed()) return sql_trouble(Kind::late, "no answer in time");
    return sql_trouble(Kind::lost, mysql_error(connection.get()));
  }
  limit_statements(connection.get(), settings.timeout_ms);
  return connection;
}

SqlResult<std::unique_ptr<SqlConnection>> connect(const config::Directory& settings, const SqlServer& server,
                                                  std::span<const SqlStatement> statements) {
  auto connection = open(settings, server);
  if (!connection) return tl::unexpected(connection.error());
  auto made = std::make_unique<Mysql>(std::move(*connection), settings.timeout_ms);
  for (size_t i = 0; i < statements.size(); ++i) {
    if (auto ready = made->prepare(statements[i]); !ready) return of_statement(i, std::move(ready.error()));
  }
  return made;
}

}  // namespace

const SqlClient kMysql{{false, true, true, false}, 3306, connect};

}  // namespace postigo
