// [names] in `check`, `route` and `user`: the same names as those of logins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/proxy/command_line.h"

namespace postigo {
namespace {

using commands::kBadConfiguration;
using commands::kFailed;
using commands::kOk;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kConfiguration = R"([[listener]]
protocol = "imap"
address = "127.0.0.1:1143"
tls = "off"
plaintext_login = true
[[backend]]
name = "a"
host = "10.0.0.1"
[[backend]]
name = "b"
host = "10.0.0.2"
[[pool]]
name = "main"
backends = ["a", "b"]
[names]
domain_aliases = ["example.net=example.com"]
delimiter = "+"
allowed = '[a-z%.]+@[a-z.]+'
[[names.rewrite]]
match = '([^%@]+)%([^%@]+)'
replace = '\1@\2'
)";
constexpr std::string_view kUsers = R"([[directory]]
[[directory.user]]
name = "Ann@example.net"
shard = "a"
[[directory.user]]
name = "joe@example.com"
shard = "b"
)";

class NamesCommands : public CommandLineFixture {
 protected:
  void with(std::string_view more) { write(std::string(kConfiguration) + std::string(more)); }
};

TEST_F(NamesCommands, RouteSaysWhatBecameOfTheName) {
  with(kUsers);
  EXPECT_EQ(on({"route", "JOE+x@EXAMPLE.NET"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("name:      JOE+x@EXAMPLE.NET -> joe@example.com\nuser:      joe@example.com\n"));
  EXPECT_THAT(out_, HasSubstr("shard:     b\n"));
  EXPECT_EQ(on({"route", "joe@example.com"}), kOk) << err_;
  EXPECT_THAT(out_, Not(HasSubstr("name:"))) << "it is as it was";
  EXPECT_EQ(on({"route", "ann%example.com"}), kOk) << "whom the file calls by the alias: " << err_;
  EXPECT_THAT(out_, HasSubstr("shard:     a\n"));
  EXPECT_EQ(on({"route", "j0e@example.com"}), kFailed);
  EXPECT_EQ(err_, "postigo: no login has the name \"j0e@example.com\": names.allowed does not match it\n");
}

TEST_F(NamesCommands, RouteForPrograms) {
  with(kUsers);
  ASSERT_EQ(on({"route", "JOE+x@EXAMPLE.NET", "--json"}), kOk) << err_;
  const auto told = nlohmann::json::parse(out_);
  EXPECT_EQ(told["user"], "joe@example.com");
  EXPECT_EQ(told["name"], "JOE+x@EXAMPLE.NET");
  EXPECT_EQ(told["login"], "ok");
  EXPECT_EQ(told["place"]["shard"], "b");
  EXPECT_EQ(told["place"]["backends"][0]["name"], "b");
  with(std::string(kUsers) + "[auth]\naccept_unknown = false\n");
  EXPECT_EQ(on({"route", "eve@example.com", "--json"}), kFailed) << err_;
  const auto refused = nlohmann::json::parse(out_);
  EXPECT_EQ(refused["login"], "refused");
  EXPECT_EQ(refused["reason"], "unknown");
  EXPECT_FALSE(refused.contains("place"));
}

TEST_F(NamesCommands, RoutingRulesMeetTheSameNames) {
  with("[[routing.rule]]\nuser = \"joe+x@example.net\"\nshard = \"b\"\npool = \"main\"\n");
  EXPECT_EQ(on({"route", "joe@example.com"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("rule 1"));
}

TEST_F(NamesCommands, UsersAreStoredAsTheyLogIn) {
  with(kSqlite);
  EXPECT_EQ(on({"user", "add", "Joe+x@Example.NET", "--password-stdin"}, "canary\n"), kOk) << err_;
  EXPECT_EQ(out_, "added joe@example.com\n");
  EXPECT_EQ(on({"user", "import", "-"}, "ann%example.net:{PLAIN}x\n@example.net::main\n"), kOk) << err_;
  EXPECT_EQ(on({"user", "list"}), kOk);
  EXPECT_THAT(out_, HasSubstr("ann@example.com"));
  EXPECT_THAT(out_, HasSubstr("@example.com"));
  EXPECT_THAT(out_, Not(HasSubstr("example.net")));
  EXPECT_EQ(on({"user", "verify", "joe@example.net", "--password-stdin"}, "canary\n"), kOk) << err_;
  EXPECT_EQ(on({"user", "rename", "joe@example.net", "jo@example.net"}), kOk) << err_;
  EXPECT_EQ(out_, "renamed joe@example.com to jo@example.com\n");
  EXPECT_EQ(on({"user", "add", "j0e@example.com", "--no-password"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("no login has the name \"j0e@example.com\": names.allowed"));
  EXPECT_EQ(on({"user", "import", "-"}, "j0e@example.com:{PLAIN}x\n"), kFailed);
  EXPECT_THAT(err_, HasSubstr("standard input:1: no login has the name j0e@example.com"));
}

TEST_F(NamesCommands, CheckSaysWhereARuleIsWrong) {
  with("[[names.rewrite]]\nmatch = '(.*)@x'\nreplace = '\\1'\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:24:11: names.rewrite.replace: may make an empty name"));
  with("[[names.rewrite]]\nmatch = '(.+@x'\nreplace = '\\1'\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:23:9: names.rewrite.match: bad regex: missing )"));
  with("[[names.rewrite]]\nmatch = '(.+)@x'\nreplace = '\\2'\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:24:11: names.rewrite.replace: there is no \\2: match has 1 group"));
  with(std::string(kUsers) + "[[directory.user]]\nname = \"joe@example.net\"\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:30:8: directory.user.name: the user \"joe@example.com\" stands here twice"));
}

}  // namespace
}  // namespace postigo
