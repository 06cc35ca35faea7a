// Not here: who is asked when (sql.cc), what stands where in a statement (sql_query.cc).
#include "backends/directory/drivers/sql_terms.h"

#include <utility>

#include "config/units.h"

namespace postigo {
namespace {

constexpr size_t kAppPasswordsMax = 20;  // of one user; each costs a quick hash

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

Result<void> add_statement(std::vector<SqlStatement>& to, const char* key, const std::string& text,
                           const SqlDialect& dialect, size_t rows_max) {
  auto query = SqlQuery::parse(text, dialect, rows_max == 0);
  if (!query) return fail(std::string(key) + ": " + query.error().message);
  to.push_back({key, std::move(*query), rows_max});
  return {};
}

Result<void> add_statements(SqlTerms& terms, const config::SqlQueries& sql) {
  const SqlDialect& dialect = terms.client.dialect;
  auto added = add_statement(terms.statements, "sql.query", sql.query, dialect, 1);
  if (added && !sql.app_passwords.empty()) {
    added = add_statement(terms.statements, "sql.app_passwords", sql.app_passwords, dialect, kAppPasswordsMax);
  }
  if (added && !sql.used.empty()) added = add_statement(terms.used, "sql.used", sql.used, dialect, 0);
  return added;
}

}  // namespace

Result<std::shared_ptr<const SqlTerms>> sql_terms_of(const config::Directory& from, const SqlClient& client) {
  auto fields = FieldNames::parse(from.fields);
  if (!fields) return fail("fields: " + fields.error().message);
  auto terms = std::make_shared<SqlTerms>(SqlTerms{from, client, std::move(*fields), {}, {}, {}});
  if (auto added = add_statements(*terms, from.sql); !added) return tl::unexpected(added.error());
  for (const std::string& written : from.servers) {
    auto server = server_of(written, client.port);
    if (!server) return tl::unexpected(server.error());
    terms->servers.push_back(std::move(*server));
  }
  return terms;
}

Result<void> write_sql_uses(const SqlTerms& terms, const LastUses::Uses& uses) {
  std::string why;
  for (const SqlServer& server : terms.servers) {
    SqlResult<void> done;
    auto made = terms.client.connect(terms.settings, server, terms.used);
    if (!made) done = tl::unexpected(made.error());
    for (auto use = uses.begin(); done && use != uses.end(); ++use) {
      const auto& [user, label] = use->first;
      auto told = (*made)->ask(0, terms.used.front().query.values(user, label));
      if (!told) done = tl::unexpected(told.error());
    }
    if (done) return {};
    why = server.written + ": " + done.error().message;
  }
  return fail("directory " + terms.settings.name + ": sql.used: " + why);
}

}  // namespace postigo
