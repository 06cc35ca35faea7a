// Import files: both forms, and every complaint with its line.
#include "backends/directory/user_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

using testing::HasSubstr;

UserFile read(std::string_view text) {
  return read_users(text, [](std::string_view name) {
    std::string normal = lower(name);
    return normal.find('@') == std::string::npos ? normal + "@example.com" : normal;
  });
}

TEST(UserFile, ReadsPasswdLines) {
  UserFile file = read(
      "# name:hash:pool:shard:backend_user\r\n"
      "\n"
      "Joe:{PLAIN}secret\r\n"
      "ann@Other.org:$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5:vip:gold:ann2\n"
      "route::main\n"
      "only\n"
      "@Example.COM::main");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.users.size(), 5u);
  EXPECT_EQ(file.users[0].line, 3u);
  EXPECT_EQ(file.users[0].entry.name, "joe@example.com");
  EXPECT_EQ(file.users[0].entry.password, "{PLAIN}secret");
  EXPECT_EQ(file.users[1].entry.name, "ann@other.org");
  EXPECT_EQ(file.users[1].entry.shard, "gold");
  EXPECT_EQ(file.users[1].entry.backend_user, "ann2");
  EXPECT_EQ(file.users[2].entry.pool, "main");
  EXPECT_EQ(file.users[3].entry.name, "only@example.com");
  EXPECT_EQ(file.users[4].entry.name, "@example.com");
  EXPECT_EQ(file.users[4].line, 7u);
}

TEST(UserFile, ReadsCsvWithColumnsInAnyOrder) {
  UserFile file = read(
      "# export\n"
      "Name,disabled,password,shard\n"
      "joe,no,\"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\",a\r\n"
      "\n"
      "ann,Yes,\"{PLAIN}say \"\"hi\"\"\"\n"
      "bob,1\n");
  EXPECT_TRUE(file.problems.empty()) << file.problems[0].message;
  ASSERT_EQ(file.users.size(), 3u);
  EXPECT_EQ(file.users[0].line, 3u);
  EXPECT_EQ(file.users[0].entry.shard, "a");
  EXPECT_TRUE(file.users[0].entry.password.ends_with("Gi/4"));
  EXPECT_FALSE(file.users[0].entry.disabled);
  EXPECT_EQ(file.users[1].line, 5u);
  EXPECT_EQ(file.users[1].entry.password, "{PLAIN}say \"hi\"");
  EXPECT_TRUE(file.users[1].entry.disabled);
  EXPECT_TRUE(file.users[2].entry.disabled);
}

TEST(UserFile, EveryProblemHasItsLineAndNoSecret) {
  UserFile file = read(
      "good:{PLAIN}x\n"
      "a:{ROT13}canary\n"
      "bb:{ROT14}canary\n"
      "b:canary\n"
      "c:{PLAIN}x:p:s:b:more\n"
      "@example.com:{PLAIN}canary\n"
      "d:{PLAIN}x\ty\n" +
      std::string(600, 'x') + "\n");
  EXPECT_EQ(file.users.size(), 1u);
  ASSERT_EQ(file.problems.size(), 7u);
  const std::pair<size_t, const char*> expected[] = {
      {2, "{ROT13} is not known"}, {3, "{ROT14} is not known"}, {4, "names no {SCHEME}"}, {5, "more than 5 fields"},
      {6, "neither password"},     {7, "control character"},    {8, "over 512 octets"}};
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(file.problems[i].line, expected[i].first);
    EXPECT_THAT(file.problems[i].message, HasSubstr(expected[i].second));
    EXPECT_EQ(file.problems[i].message.find("canary"), std::string::npos);
  }
}

TEST(UserFile, EmptyNamesAreEmptyAlsoAfterNormalising) {
  UserFile file = read_users(":{PLAIN}x\n@:\n", [](std::string_view name) { return std::string(name); });
  ASSERT_EQ(file.problems.size(), 2u);
  EXPECT_EQ(file.problems[0].message, "the name is empty");
}

TEST(UserFile, CsvProblems) {
  EXPECT_THAT(read("name,colour\njoe,red\n").problems.at(0).message, HasSubstr("unknown column colour"));
  EXPECT_TRUE(read("name,colour\njoe,red\n").users.empty());
  UserFile unquoted = read("name,password\njoe,$argon2id$v=19$m=256,t=2,p=1$x\n");
  EXPECT_EQ(unquoted.problems.at(0).line, 2u);
  EXPECT_THAT(unquoted.problems[0].message, HasSubstr("quote what holds commas"));
  UserFile open = read("name,pool\njoe,main\nann,\"ma\nin\n");
  EXPECT_EQ(open.problems.at(0).line, 3u);
  EXPECT_EQ(open.problems[0].message, "a quote is not closed");
  EXPECT_EQ(read("name,disabled\njoe,perhaps\n").problems.at(0).line, 2u);
  EXPECT_THAT(read("name,pool\njoe,\"two\nlines\"\n").problems.at(0).message, HasSubstr("control character"));
}

TEST(UserFile, NothingIsNothing) {
  for (const char* text : {"", "\n", "#\n", "# only a comment", "name,pool\n", "\r\n\r\n"}) {
    UserFile file = read(text);
    EXPECT_TRUE(file.users.empty() && file.problems.empty()) << text;
  }
}

}  // namespace
}  // namespace postigo
