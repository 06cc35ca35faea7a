// The operator's query against real databases: what a row may hold, and what is said of a query that is wrong.
#include <gmock/gmock.h>

#include "tests/unit/databases/asking.h"

namespace postigo::databases {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Queries : public Asking {
 protected:
  void SetUp() override {
    database().run("DROP TABLE IF EXISTS people");
    database().run(
        "CREATE TABLE people (name VARCHAR(100), secret VARCHAR(100), host VARCHAR(100), quota INTEGER, active "
        "INTEGER)");
    database().run(
        "INSERT INTO people VALUES ('joe@example.com', '{PLAIN}secret', 'b', 5, 1),"
        " ('ann@example.com', '{PLAIN}secret', NULL, NULL, NULL), ('off@example.com', '{PLAIN}secret', 'b', 1, 0),"
        " ('odd@example.com', '{PLAIN}secret', 'b', 1, 7), ('twice@example.com', '{PLAIN}secret', 'b', 1, 1),"
        " ('twice@example.com', '{PLAIN}other', 'b', 1, 1), ('none@example.com', NULL, 'b', 1, 1)");
  }
};

TEST_P(Queries, ColumnsAreFieldsAndOthersAreIgnored) {
  config::Directory directory =
      database().directory("SELECT secret AS password, host, quota, active AS enabled FROM people WHERE name = %u");
  directory.fields = {"HOST=shard"};
  open(directory);
  LookupResult joe = ask("joe@example.com");
  EXPECT_EQ(joe.verdict, Verdict::ok) << joe.detail;
  EXPECT_EQ(joe.identity.shard, "b");
  EXPECT_TRUE(joe.identity.verified);
  LookupResult ann = ask("ann@example.com");
  EXPECT_EQ(ann.verdict, Verdict::ok) << "NULL is not set: neither disabled nor a shard named \"\"";
  EXPECT_EQ(ann.identity.shard, "");
  EXPECT_EQ(ask("off@example.com").verdict, Verdict::disabled);
  EXPECT_EQ(ask("joe@example.com", "wrong").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("none@example.com", "").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("eve@example.com").verdict, Verdict::no_such_user);
}

TEST_P(Queries, NamesStandWhereverTheyAreWritten) {
  open(std::string("SELECT secret AS password, '100%%' AS note, %u AS \"user\" FROM people ") +
       "WHERE (name = %u OR name = concat(%n, '@', %d)) AND lower(name) = lower(%u)");
  if (!is_postgresql()) open("SELECT secret AS password FROM people WHERE name = %u AND name = concat(%n, '@', %d)");
  EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok);
  EXPECT_EQ(ask("joe@example.com'").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
}

// What config/DATABASES.md advises for columns that are compared without case.
TEST_P(Queries, BinaryComparesAsWritten) {
  if (is_postgresql()) return;  // it compares as written
  database().run("ALTER TABLE people MODIFY name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
  const std::string query = "SELECT secret AS password FROM people WHERE name = %u";
  open(query);
  EXPECT_EQ(ask("j\xc3\xb3"
                "e@example.com")
                .verdict,
            Verdict::ok)
      << "this is what it advises against";
  open(query + " AND BINARY name = %u");
  for (const char* name : {"JOE@example.com",
                           "j\xc3\xb3"
                           "e@example.com",
                           "joe@example.com "}) {
    EXPECT_EQ(ask(name).verdict, Verdict::no_such_user) << name;
  }
  EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok);
}

TEST_P(Queries, EachQuestionHasItsAnswer) {
  open("SELECT secret AS password, host AS shard FROM people WHERE name = %u");
  EXPECT_EQ(ask("off@example.com", "", Want::placement).identity.shard, "b");
  EXPECT_EQ(ask("joe@example.com", "", Want::account).verdict, Verdict::ok);
  EXPECT_TRUE(ask("joe@example.com", "", Want::secret).secret.cleartext.equals("secret"));
  EXPECT_EQ(ask("joe@example.com", "token", Want::token).verdict, Verdict::no_such_user);
  EXPECT_EQ(ask("eve@example.com", "", Want::placement).verdict, Verdict::no_such_user);
}

TEST_P(Queries, MoreThanOneRowIsNobody) {
  open("SELECT secret AS password FROM people WHERE name = %u");
  for (int i = 0; i < 3; ++i) {
    LookupResult twice = ask("twice@example.com");
    EXPECT_EQ(twice.verdict, Verdict::try_later);
    EXPECT_EQ(twice.detail, "directory users: sql.query: more than one row for one name");
    EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok) << "and the next one is answered";
  }
}

TEST_P(Queries, AValueThatMeansNothingIsToldWithItsColumn) {
  open("SELECT secret AS password, active AS enabled FROM people WHERE name = %u");
  LookupResult odd = ask("odd@example.com");
  EXPECT_EQ(odd.verdict, Verdict::try_later);
  EXPECT_EQ(odd.detail, "directory users: column enabled: enabled is neither yes nor no");
}

TEST_P(Queries, AValueWithoutEndIsNotTaken) {
  open("SELECT repeat(secret, 10000) AS password FROM people WHERE name = %u");
  LookupResult long_one = ask("joe@example.com");
  EXPECT_EQ(long_one.verdict, Verdict::try_later);
  EXPECT_THAT(long_one.detail, HasSubstr("column password is too long"));
}

TEST_P(Queries, AWrongQueryDoesNotLoad) {
  const std::string begins = "directory users: sql.query: ";
  const struct {
    const char *query, *says;
  } rows[] = {
      {"SELEC password FROM people WHERE name = %u", "SELEC"},
      {"SELECT secret AS password FROM nobody WHERE name = %u", "nobody"},
      {"SELECT secret AS password FROM people WHERE nam = %u", "nam"},
      {"SELECT secret AS password FROM people WHERE name = '%u'", "%u stands in quotes"},
      {"SELECT secret AS password FROM people WHERE name = %x", "%x is not known"},
      {"SELECT secret AS password FROM people WHERE name = %u -- or %n", "%n stands in a comment"},
      {"SELECT secret AS password FROM people WHERE name = %u AND host = 'b", "a quote is not closed"},
      {"SELECT secret FROM people WHERE name = %u", "has no column \"password\", which check_password = true needs"},
      {"DELETE FROM people WHERE name = %u", ""},
      {"SELECT secret AS password FROM people WHERE name = %u; DELETE FROM people", ""},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(refusal(row.query), StartsWith(begins)) << row.query;
    EXPECT_THAT(refusal(row.query), HasSubstr(row.says)) << row.query;
    EXPECT_THAT(refusal(row.query), Not(HasSubstr("\n"))) << row.query;
  }
  EXPECT_THAT(refusal(is_postgresql() ? "SELECT secret AS password FROM people WHERE name = %u AND name = $2"
                                      : "SELECT secret AS password FROM people WHERE name = %u AND name = ?"),
              HasSubstr("of its own: write %u, %n or %d"));
}

TEST_P(Queries, WhatIsWrongElsewhereDoesNotLoad) {
  const std::string query = "SELECT secret AS password FROM people WHERE name = %u";
  config::Directory directory = database().directory(query);
  directory.fields = {"secret=passwrod"};
  EXPECT_EQ(refusal(directory), "directory users: fields: there is no field \"passwrod\"");
  directory = database().directory(query);
  directory.servers = {"db:port"};
  EXPECT_THAT(refusal(directory), StartsWith("directory users: servers: db:port: "));
}

// The table is changed while its query is prepared; a query that is wrong only then is told at each login.
TEST_P(Queries, ATableMayChangeMeanwhile) {
  open("SELECT people.*, secret AS password FROM people WHERE name = %u");
  EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok);
  database().run("ALTER TABLE people ADD COLUMN more VARCHAR(10)");
  EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok);
  database().run("ALTER TABLE people DROP COLUMN secret");
  LookupResult wrong = ask("joe@example.com");
  EXPECT_EQ(wrong.verdict, Verdict::try_later);
  EXPECT_THAT(wrong.detail, StartsWith("directory users: sql.query: "));
  EXPECT_THAT(wrong.detail, HasSubstr("secret"));
}

INSTANTIATE_TEST_SUITE_P(Databases, Queries, testing::Values(&postgresql, &mariadb), database_name);

}  // namespace
}  // namespace postigo::databases
