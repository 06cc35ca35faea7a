// The operator's statement with places for names (A5). Oracles: for whatever is taken SQLite's own lexer sees as many
// parameters as we bind, so no place stands in a quote or a comment; and the statement does not depend on the name.
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/directory/drivers/sql_query.h"

namespace {

using namespace postigo;

void require(bool holds) {
  if (!holds) abort();
}

sqlite3* database() {
  static sqlite3* const made = [] {
    sqlite3* opened = nullptr;
    require(sqlite3_open(":memory:", &opened) == SQLITE_OK);
    sqlite3_exec(opened, "CREATE TABLE u (name, domain, password, pool)", nullptr, nullptr, nullptr);
    sqlite3_limit(opened, SQLITE_LIMIT_EXPR_DEPTH, 50);
    return opened;
  }();
  return made;
}

// SQLite has these of its own.
bool is_plain(const std::string& text) { return text.find_first_of(std::string("?:@$#[;\0", 8)) == text.npos; }

void prepare(const SqlQuery& query) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(database(), query.text().c_str(), -1, &statement, &rest) != SQLITE_OK) return;
  // "?" and a digit behind it is a number of SQLite's own.
  bool numbered = false;
  for (size_t i = 0; i + 1 < query.text().size(); ++i) {
    numbered = numbered || (query.text()[i] == '?' && query.text()[i + 1] >= '0' && query.text()[i + 1] <= '9');
  }
  if (!numbered) require(sqlite3_bind_parameter_count(statement) == static_cast<int>(query.places()));
  sqlite3_finalize(statement);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  constexpr SqlDialect kStandard{false, false, false, false}, kPostgresql{true, false, false, true},
      kMysql{false, true, true, false};
  for (const SqlDialect& dialect : {kStandard, kPostgresql, kMysql}) {
    auto query = SqlQuery::parse(text, dialect);
    if (!query) continue;
    for (const std::string& name : {text, std::string("' OR 1=1 --@x"), std::string("%u\0%d", 5)}) {
      auto values = query->values(name);
      require(values.size() == query->places());
      for (const std::string& value : values) require(name.find(value) != name.npos);
    }
    if (dialect.numbered || dialect.backslashes || !is_plain(text)) continue;
    prepare(*query);
  }
  return 0;
}
