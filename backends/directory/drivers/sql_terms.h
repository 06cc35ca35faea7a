// What a directory in a SQL database is told once: servers and statements, from its section.
//
// Immutable; any thread.
#pragma once

#include <memory>
#include <vector>

#include "backends/directory/drivers/sql.h"
#include "backends/directory/fields.h"
#include "backends/directory/last_uses.h"
#include "config/directory.h"
#include "parser/base/result.h"

namespace postigo {

struct SqlTerms {
  config::Directory settings;
  const SqlClient& client;
  FieldNames fields;
  std::vector<SqlServer> servers;
  std::vector<SqlStatement> statements;  // the query and, if there are any, passwords for programs
  std::vector<SqlStatement> used;        // that one of them was used: one, or none
};

// The error names the key.
Result<std::shared_ptr<const SqlTerms>> sql_terms_of(const config::Directory& from, const SqlClient& client);

// Blocks. Over a connection of its own, as it is seldom and in nobody's way. Replicas refuse it, so all servers are
// tried.
Result<void> write_sql_uses(const SqlTerms& terms, const LastUses::Uses& uses);

}  // namespace postigo
