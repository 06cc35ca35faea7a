// Where a name may stand in an operator's statement, and what becomes of it there.
#include "backends/directory/drivers/sql_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr SqlDialect kNumbered{true, false, false, true};   // as PostgreSQL
constexpr SqlDialect kQuestions{false, true, true, false};  // as MySQL

std::string text(std::string_view statement, const SqlDialect& dialect = kNumbered) {
  auto query = SqlQuery::parse(statement, dialect);
  return query ? query->text() : query.error().message;
}

TEST(SqlQuery, PlacesAreBound) {
  EXPECT_EQ(text("SELECT 1 WHERE a = %u AND b = %n AND c = %d AND a = %u"),
            "SELECT 1 WHERE a = $1 AND b = $2 AND c = $3 AND a = $4");
  EXPECT_EQ(text("SELECT 1 WHERE a = %u AND b = %n", kQuestions), "SELECT 1 WHERE a = ? AND b = ?");
  auto query = SqlQuery::parse("%d %u %n %u", kNumbered);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->places(), 4u);
  EXPECT_THAT(query->values("joe@example.com"),
              ElementsAre("example.com", "joe@example.com", "joe", "joe@example.com"));
  EXPECT_THAT(query->values("%d' --"), ElementsAre("", "%d' --", "%d' --", "%d' --")) << "a value is no text";
}

// Of a password for programs, where there is one.
TEST(SqlQuery, LabelsAreBound) {
  auto query = SqlQuery::parse("UPDATE a SET b = 1 WHERE c = %u AND d = %l", kNumbered, true);
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(query->text(), "UPDATE a SET b = 1 WHERE c = $1 AND d = $2");
  EXPECT_THAT(query->values("joe", "%u' --"), ElementsAre("joe", "%u' --"));
  EXPECT_THAT(text("SELECT %l"), HasSubstr("%l is not known: write %u, %n, %d or %%"));
  EXPECT_THAT(SqlQuery::parse("%x", kNumbered, true).error().message, HasSubstr("write %u, %n, %d, %l or %%"));
}

TEST(SqlQuery, APercentSignIsWrittenTwice) {
  EXPECT_EQ(text("SELECT 1 WHERE a LIKE 'x%%' AND b = 7 %% 2"), "SELECT 1 WHERE a LIKE 'x%' AND b = 7 % 2");
  EXPECT_THAT(text("SELECT 1 WHERE a LIKE 'x%'"), HasSubstr("write %u, %n, %d or %%"));
}

TEST(SqlQuery, InQuotesItWouldBeAText) {
  for (const char* statement : {"a = '%u'", "a = 'x%u'", "a = 'it''s %u'", "\"%u\" = 1", "`%u` = 1", "a = E'\\'%u'",
                                "$$ %u $$", "$t$ $$ %u $t$"}) {
    EXPECT_THAT(text(statement), HasSubstr("stands in quotes: write it without them")) << statement;
  }
  EXPECT_THAT(text("a = 'x\\' AND b = %u AND c = ''", kQuestions), HasSubstr("stands in quotes"));
}

TEST(SqlQuery, BehindQuotesItIsAPlace) {
  EXPECT_EQ(text("a = 'it''s' || %u"), "a = 'it''s' || $1");
  EXPECT_EQ(text("a = 'back\\' || %u"), "a = 'back\\' || $1");
  EXPECT_EQ(text("a = E'quote\\'' || %u"), "a = E'quote\\'' || $1");
  EXPECT_EQ(text("a = $$it's$$ || %u"), "a = $$it's$$ || $1");
  EXPECT_EQ(text("a = $t$ $$ ' $t$ || %u"), "a = $t$ $$ ' $t$ || $1");
  EXPECT_EQ(text("a = 'quote\\'' AND b = %u", kQuestions), "a = 'quote\\'' AND b = ?");
  EXPECT_EQ(text("a = \"it's\" AND b = %u", kQuestions), "a = \"it's\" AND b = ?");
  EXPECT_EQ(text("a = `it's` AND b = %u", kQuestions), "a = `it's` AND b = ?");
  EXPECT_EQ(text("a$b$ = 1 AND b = %u"), "a$b$ = 1 AND b = $1");
}

TEST(SqlQuery, CommentsHoldNoPlace) {
  for (const char* statement : {"a -- %u", "a /* %u */", "a /* ' */ -- %n"}) {
    EXPECT_THAT(text(statement), HasSubstr("stands in a comment")) << statement;
  }
  EXPECT_THAT(text("a # %u", kQuestions), HasSubstr("stands in a comment"));
  EXPECT_EQ(text("a # %u"), "a # $1") << "an operator of PostgreSQL";
  EXPECT_EQ(text("a -- it's\n = %u"), "a -- it's\n = $1");
  EXPECT_EQ(text("a /* it's */ = %u"), "a /* it's */ = $1");
}

TEST(SqlQuery, WhatIsNotClosedIsTold) {
  EXPECT_EQ(text("a = 'b"), "a quote is not closed");
  EXPECT_EQ(text("a = %u AND b = \"c"), "a quote is not closed");
  EXPECT_EQ(text("a = b -- it's"), "a = b -- it's");
}

}  // namespace
}  // namespace postigo
