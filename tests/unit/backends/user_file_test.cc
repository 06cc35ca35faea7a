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
      "only:\n"
      "  \n"
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
  EXPECT_EQ(file.users[4].line, 8u);
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
      "c:{PLAIN}x:p:s:b:more:and:canary\n"
      "@example.com:{PLAIN}canary\n"
      "d:{PLAIN}x\ty\n" +
      std::string(600, 'x') + ":\n");
  EXPECT_EQ(file.users.size(), 1u);
  ASSERT_EQ(file.problems.size(), 7u);
  const std::pair<size_t, const char*> expected[] = {
      {2, "{SCHEME} is not known"}, {3, "{SCHEME} is not known"}, {4, "names no {SCHEME}"}, {5, "an extra field"},
      {6, "neither password"},      {7, "control character"},     {8, "over 512 octets"}};
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

// As Dovecot's documentation has them, and as mail systems write them.
TEST(UserFile, ReadsDovecotsPasswdFile) {
  UserFile file = read(
      "# comment\n"
      "joe:{PLAIN}secret:1000:1000::/home/joe:/bin/false:userdb_mail=maildir:~/Maildir userdb_quota_rule=*:storage=1G\n"
      "ann:{PLAIN}secret::::::\n"
      "bob:{PLAIN}secret:vmail:vmail::/var/vmail/bob\n"
      "eve:{PLAIN}secret:1000:1000:Eve:/home/eve:/bin/sh:user=eve2 nologin=y nodelay\n"
      "kim:{PLAIN}secret\n"
      "max:{PLAIN}secret:1001:1001\n"
      "ours:{PLAIN}secret:main:gold\n");
  ASSERT_TRUE(file.problems.empty()) << file.problems[0].line << ": " << file.problems[0].message;
  ASSERT_EQ(file.users.size(), 7u);
  for (const UserLine& user : file.users) EXPECT_EQ(user.entry.password, "{PLAIN}secret");
  for (size_t i : {0u, 1u, 2u, 3u, 4u, 5u}) {
    EXPECT_EQ(file.users[i].entry.pool, "") << "no field of Dovecot's is a pool";
    EXPECT_EQ(file.users[i].entry.disabled, i == 3);
  }
  EXPECT_EQ(file.users[3].entry.backend_user, "eve2");
  EXPECT_EQ(file.users[6].entry.pool, "main");
  EXPECT_EQ(file.users[6].entry.shard, "gold");
}

// What would let somebody in who must not come in, or place him elsewhere, does not vanish.
TEST(UserFile, DovecotsFieldsWithoutACounterpartAreProblems) {
  for (const char* extra : {"allow_nets=nowhere", "nopassword=y", "proxy=y host=10.0.0.1", "canary=canary", "canary"}) {
    UserFile file = read(std::string("joe:{PLAIN}x:1:1::/home:/bin/sh:") + extra + "\n");
    ASSERT_EQ(file.problems.size(), 1u) << extra;
    EXPECT_EQ(file.problems[0].message.find("canary"), std::string::npos);
  }
}

// A CSV file without our header, or with other separators, must not make user names of its passwords.
TEST(UserFile, LinesWithoutASeparatorAreProblems) {
  for (const char* text : {"joe\n", "joe {PLAIN}canary\n", "joe,{PLAIN}canary\n", "joe;{PLAIN}canary\n",
                           "joe\t{PLAIN}canary\n", "joe,can:ary\n", "joe;{PLAIN}can:ary\n", "\"joe\":{PLAIN}canary\n",
                           "joe {PLAIN}can:\n", "user,password\njoe,canary\n", "{PLAIN}canary:joe\n",
                           "joe|{PLAIN}canary:\n", "name;password\njoe;canary\n", "Email,Canary\njoe,x\n"}) {
    UserFile file = read(text);
    EXPECT_TRUE(file.users.empty()) << text;
    ASSERT_FALSE(file.problems.empty()) << text;
    for (const LineProblem& problem : file.problems) {
      EXPECT_EQ(lower(problem.message).find("canary"), std::string::npos) << problem.message;
    }
  }
  EXPECT_THAT(read("joe\n").problems[0].message, HasSubstr("no \":\""));
  UserFile later = read("ann:{PLAIN}x\njoe,{PLAIN}canary\n");
  ASSERT_EQ(later.problems.size(), 1u);
  EXPECT_EQ(later.problems[0].line, 2u);
}

TEST(UserFile, AByteOrderMarkIsNotPartOfTheFirstName) {
  EXPECT_EQ(read("\xef\xbb\xbfname,pool\njoe,main\n").users.at(0).entry.name, "joe@example.com");
  EXPECT_EQ(read("\xef\xbb\xbfjoe::main\n").users.at(0).entry.name, "joe@example.com");
}

TEST(UserFile, NamesAreUtf8WithoutBlanksAround) {
  EXPECT_THAT(read("j\xf6rg:{PLAIN}x\n").problems.at(0).message, HasSubstr("not UTF-8"));
  EXPECT_TRUE(read("j\xc3\xb6rg:{PLAIN}x\n").problems.empty());
  EXPECT_THAT(read("name,pool\n\" joe@b.c\",\n").problems.at(0).message, HasSubstr("blank"));
}

TEST(UserFile, CsvProblems) {
  EXPECT_THAT(read("name,colour\njoe,red\n").problems.at(0).message, HasSubstr("column 2 of the header"));
  EXPECT_THAT(read("pool,shard\nmain,a\n").problems.at(0).message, HasSubstr("no column name"));
  EXPECT_THAT(read("name,pool,Pool\njoe,a,b\n").problems.at(0).message, HasSubstr("twice"));
  EXPECT_THAT(read("name,pool\njoe\n").problems.at(0).message, HasSubstr("no comma"));
  EXPECT_EQ(read("password, name\n{PLAIN}x,joe\n").users.at(0).entry.name, "joe@example.com");
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
