// What directories in SQL databases share, whatever library asks them: one row for who is known, from the operator's
// own query; several servers; connections that are kept, each with the query prepared (sql.cc). A client library is a
// SqlClient: how its servers read a statement, and how one connection is made (postgresql.cc, mysql.cc).
// `sql.app_passwords` is asked beside the query, for those who are unknown as well (A22).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/directory/drivers/sql_query.h"
#include "backends/directory/source.h"
#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

struct SqlTrouble {
  enum class Kind {
    lost,      // the server cannot be reached, or the connection has ended
    late,      // no answer in time; the connection is of no use any more
    too_much,  // more than one row, or a value that is too long; nor is it here
    passing,   // the server will not answer this one now
    refused,   // the server says that the query is wrong: the operator's to mend
  };
  Kind kind;
  std::string message;   // never a secret
  size_t statement = 0;  // that it is about, where it is about one
};

template <typename T>
using SqlResult = tl::expected<T, SqlTrouble>;

inline tl::unexpected<SqlTrouble> sql_trouble(SqlTrouble::Kind kind, std::string message) {
  return tl::unexpected<SqlTrouble>(SqlTrouble{kind, std::move(message), 0});
}

inline tl::unexpected<SqlTrouble> of_statement(size_t statement, SqlTrouble trouble) {
  trouble.statement = statement;
  return tl::unexpected<SqlTrouble>(std::move(trouble));
}

inline constexpr size_t kSqlValueMax = 65'536;  // octets

// Of one row, as columns() has them; nothing: NULL.
using SqlRow = std::vector<std::optional<std::string>>;

inline constexpr size_t kSqlSkippedMax = 1000;  // rows beyond what is wanted

// What is prepared on a connection.
struct SqlStatement {
  const char* key;  // of the configuration
  SqlQuery query;
  size_t rows_max = 1;  // 0: it is to do something; 1: more are trouble; else more are skipped
};

// One connection with its prepared statements. One thread at a time; everything blocks, within the directory's timeout.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;
  virtual const std::vector<std::string>& columns(size_t statement) const = 0;
  // `values` are as many as the statement has places, without NUL, UTF-8.
  virtual SqlResult<std::vector<SqlRow>> ask(size_t statement, const std::vector<std::string>& values) = 0;
};

struct SqlServer {
  std::string written;  // as in the configuration
  std::string host;     // empty with a path
  uint16_t port = 0;
  std::string path;  // of a unix socket
};

struct SqlClient {
  SqlDialect dialect;
  uint16_t port;
  // Connects, logs in, prepares.
  SqlResult<std::unique_ptr<SqlConnection>> (*connect)(const config::Directory& settings, const SqlServer& server,
                                                       std::span<const SqlStatement> statements);
};

extern const SqlClient kPostgresql, kMysql;

// Where TLS trusts if the configuration names nobody.
std::string sql_authorities(const config::Directory& settings);

}  // namespace postigo
