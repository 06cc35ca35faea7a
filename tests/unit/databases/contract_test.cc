// The contract of directories over real databases, with entries of domains that the query itself joins.
#include "tests/unit/backends/directory_contract.h"
#include "tests/unit/databases/database.h"

namespace postigo {
namespace {

using databases::Database;

// Users and domains in one table, as our own drivers have them. concat() leaves PostgreSQL without a type for %d.
std::string query(bool check_password) {
  return std::string(
             "SELECT u.password,"
             " CASE WHEN u.pool <> '' OR u.shard <> '' THEN u.pool ELSE d.pool END AS pool,"
             " CASE WHEN u.pool <> '' OR u.shard <> '' THEN u.shard ELSE d.shard END AS shard, u.backend_user,"
             " COALESCE(u.disabled, FALSE) OR COALESCE(d.disabled, FALSE) AS disabled"
             " FROM (SELECT 1 AS one) o LEFT JOIN users u ON u.name = %u"
             " LEFT JOIN users d ON d.name = concat('@', %d) WHERE u.name IS NOT NULL") +
         (check_password ? "" : " OR d.name IS NOT NULL");
}

std::string quoted(const std::string& text) { return '\'' + text + '\''; }

void fill(Database& database, const std::vector<Entry>& users) {
  database.run("DROP TABLE IF EXISTS users");
  database.run(
      "CREATE TABLE users (name VARCHAR(600), password VARCHAR(200), pool VARCHAR(64), shard VARCHAR(64),"
      " backend_user VARCHAR(64), disabled BOOLEAN)");
  for (const Entry& user : users) {
    std::string row;
    for (const std::string& text : {user.name, user.password, user.pool, user.shard, user.backend_user}) {
      row += quoted(text) + ", ";
    }
    database.run("INSERT INTO users VALUES (" + row + (user.disabled ? "TRUE" : "FALSE") + ")");
  }
}

template <Database& (*server)()>
Result<SharedSource> load(const std::vector<Entry>& users, bool check_password, const Temporary&) {
  fill(server(), users);
  config::Directory directory = server().directory(query(check_password));
  directory.check_password = check_password;
  directory.servers = {server().socket};
  return server().load(directory);
}

INSTANTIATE_TEST_SUITE_P(Databases, Contract,
                         testing::Values(Driver{"postgresql", load<databases::postgresql>, true, false, false},
                                         Driver{"mysql", load<databases::mariadb>, true, false, false}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace postigo
