// `postigo auth test`, and `postigo route` where directories are servers: what each directory said, who is let in, why
// not, and where he would live. The secret comes from a pipe here; terminals and real servers are e2e's.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parser/sasl/mechanisms.h"
#include "tests/unit/backends/tokens.h"
#include "tests/unit/proxy/command_line.h"

namespace postigo {
namespace {

using commands::kBadConfiguration;
using commands::kFailed;
using commands::kOk;
using commands::kTryLater;
using commands::kUsage;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr std::string_view kListeners = R"([[listener]]
name = "front"
protocol = "imap"
address = "127.0.0.1:1143"
tls = "off"
plaintext_login = true
[[listener]]
name = "post"
protocol = "pop3"
address = "127.0.0.1:1110"
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
[[pool.shard]]
name = "left"
backends = ["a"]
[[pool.shard]]
name = "right"
backends = ["b"]
)";

constexpr std::string_view kUsers = R"(
[auth]
mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "APOP", "PLAIN", "LOGIN"]
[auth.backend_login]
mode = "master_authzid"
master_user = "m"
master_password = "canary-master"
[[auth.impersonation]]
who = "webmail"
whom = "*"
[[directory]]
name = "few"
check_password = true
[[directory.user]]
name = "ann"
password = "{PLAIN}canary"
shard = "right"
backend_user = "ann.b"
[[directory.user]]
name = "hashed"
password = "{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z"
[[directory.user]]
name = "locked"
password = "{PLAIN}canary"
disabled = true
[[directory.user]]
name = "inside"
password = "{PLAIN}canary"
networks = ["10.0.0.0/8"]
protocols = ["imap"]
[[directory.user]]
name = "moving"
password = "{PLAIN}canary"
moving_until = 2099-01-01T00:00:00Z
[[directory.user]]
name = "webmail"
password = "{PLAIN}canary"
[[directory]]
name = "many"
check_password = true
[[directory.user]]
name = "zoe"
password = "{PLAIN}canary"
)";

class AuthTest : public CommandLineFixture {
 protected:
  AuthTest() { write(std::string(kListeners) + std::string(kUsers)); }

  int test(const char* user, std::vector<const char*> words = {}, const std::string& secret = "canary\n") {
    words.insert(words.begin(), {"auth", "test", user});
    return on(std::move(words), secret);
  }
};

TEST_F(AuthTest, LetsInAndSaysWhere) {
  EXPECT_EQ(test("Ann"), kOk) << out_ << err_;
  EXPECT_THAT(out_, testing::ContainsRegex("asked: +few about ann: the password is right \\([0-9.]+ ms\\)\n"));
  EXPECT_THAT(out_, HasSubstr("password = {PLAIN}\n"));
  EXPECT_THAT(out_, testing::ContainsRegex("login: +let in \\("));
  EXPECT_THAT(out_,
              HasSubstr("pool:      main\nshard:     right\nreason:    directory\nbackend:   b (10.0.0.2:143, clear"));
  EXPECT_THAT(out_, HasSubstr("there as:  ann.b, by the master user m (authzid)\n"));
  EXPECT_EQ(test("zoe"), kOk) << "the first directory does not know her";
  EXPECT_THAT(out_,
              testing::ContainsRegex("few about zoe: it does not know him .*\n.*many about zoe: the password is"));
}

TEST_F(AuthTest, SaysWhyNot) {
  EXPECT_EQ(test("ann", {}, "canary-wrong\n"), kFailed);
  EXPECT_THAT(out_, HasSubstr("login:     refused: wrong (name and password do not match)"));
  EXPECT_THAT(out_, Not(HasSubstr("pool:")));
  EXPECT_EQ(test("nobody"), kFailed);
  EXPECT_THAT(out_, HasSubstr("refused: unknown"));
  EXPECT_EQ(test("locked"), kFailed);
  EXPECT_THAT(out_, HasSubstr("because:   disabled\n"));
  EXPECT_EQ(test("locked", {}, "canary-wrong\n"), kFailed);
  EXPECT_THAT(out_, HasSubstr("refused: wrong")) << "as a client would be told";
  EXPECT_EQ(test("moving"), kTryLater);
  EXPECT_THAT(out_, HasSubstr("because:   moving_until (2099-01-01"));
}

TEST_F(AuthTest, FromWhereAndHow) {
  EXPECT_EQ(test("inside", {"--address", "10.1.2.3"}), kOk) << out_;
  EXPECT_EQ(test("inside", {"--address", "192.0.2.7", "--protocol", "pop3"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("refused: not_here"));
  EXPECT_THAT(out_, HasSubstr("because:   networks (10.0.0.0/8), protocols (imap)\n"));
  EXPECT_EQ(test("ann", {"--listener", "post"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("listener:  post (pop3), from 127.0.0.1"));
  EXPECT_THAT(out_, HasSubstr("b (10.0.0.2:110, clear"));
}

TEST_F(AuthTest, EveryMechanismWithBothSides) {
  for (const char* mechanism : {"PLAIN", "LOGIN", "CRAM-MD5", "APOP", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                "SCRAM-SHA-1-PLUS", "scram-sha-256-plus"}) {
    SCOPED_TRACE(mechanism);
    EXPECT_EQ(test("Ann", {"--mechanism", mechanism, "--protocol", "pop3"}), kOk) << out_ << err_;
    EXPECT_EQ(test("ann", {"--mechanism", mechanism}, "canary-wrong\n"), kFailed) << out_;
    EXPECT_THAT(out_, HasSubstr("refused: wrong"));
    EXPECT_EQ(test("nobody", {"--mechanism", mechanism}), kFailed) << out_;
    EXPECT_THAT(out_, HasSubstr("refused: unknown"));
    EXPECT_EQ(test("locked", {"--mechanism", mechanism}), kFailed) << out_;
    EXPECT_THAT(out_, HasSubstr("because:   disabled\n"));
  }
  EXPECT_EQ(test("hashed", {"--mechanism", "SCRAM-SHA-256"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("because:   what is kept of him is of no use for SCRAM-SHA-256"));
}

TEST_F(AuthTest, NamesThatMechanismsWriteInTheirOwnWay) {
  write(std::string(kListeners) + std::string(kUsers) +
        "[[directory.user]]\nname = \"a=b,c\"\npassword = \"{PLAIN}canary\"\n");
  EXPECT_EQ(test("a=b,c", {"--mechanism", "SCRAM-SHA-256"}), kOk) << out_;
}

TEST_F(AuthTest, SaysWhatIsNotOffered) {
  EXPECT_EQ(test("ann", {"--mechanism", "APOP"}), kOk);
  EXPECT_THAT(out_, HasSubstr("APOP (which this listener does not offer)")) << "it is a command of POP3";
  EXPECT_EQ(test("ann", {"--mechanism", "APOP", "--protocol", "pop3"}), kOk);
  EXPECT_THAT(out_, Not(HasSubstr("does not offer")));
}

TEST_F(AuthTest, ActingAsOthers) {
  EXPECT_EQ(test("webmail", {"--authzid", "ann"}), kOk) << out_;
  EXPECT_THAT(out_, HasSubstr("few about ann: it knows him"));
  EXPECT_THAT(out_, HasSubstr("there as:  ann.b, by the master user m"));
  EXPECT_EQ(test("webmail", {"--authzid", "zoe", "--mechanism", "SCRAM-SHA-256"}), kOk) << out_;
  EXPECT_EQ(test("ann", {"--authzid", "zoe"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("refused: not_allowed"));
  EXPECT_THAT(out_, HasSubstr("no [[auth.impersonation]] allows it"));
  EXPECT_EQ(test("webmail", {"--authzid", "locked"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("because:   of locked: disabled"));
  EXPECT_EQ(test("webmail", {"--authzid", "ann", "--mechanism", "CRAM-MD5"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("CRAM-MD5 cannot say whom it wants to act as"));
}

TEST_F(AuthTest, Tokens) {
  Signer signer;
  std::ofstream(folder_ / "keys.json") << signer.keys().dump();
  write(std::string(kListeners) + std::string(kUsers) +
        "[[directory]]\nname = \"tokens\"\ntype = \"oauth\"\n[directory.oauth]\nissuer = \"https://issuer.test\"\n"
        "jwks = \"" +
        (folder_ / "keys.json").string() + "\"\n");
  auto token = [&](const char* user, int64_t lives_s) {
    return signer.token("RS256", "r",
                        {{"iss", "https://issuer.test"}, {"email", user}, {"exp", std::time(nullptr) + lives_s}}) +
           "\n";
  };
  for (const char* mechanism : {"OAUTHBEARER", "XOAUTH2"}) {
    SCOPED_TRACE(mechanism);
    EXPECT_EQ(test("ann", {"--mechanism", mechanism}, token("ann", 600)), kOk) << out_ << err_;
    EXPECT_THAT(out_, HasSubstr("tokens about ann: the token is good"));
    EXPECT_THAT(out_, HasSubstr("few about ann: it knows him")) << "the issuer does not know where he lives";
    EXPECT_EQ(test("ann", {"--mechanism", mechanism}, token("ann", -600)), kFailed);
    EXPECT_THAT(out_, HasSubstr("the token is refused"));
    EXPECT_EQ(test("zoe", {"--mechanism", mechanism}, token("ann", 600)), kFailed) << "it is not hers";
    EXPECT_THAT(out_, HasSubstr("refused: not_allowed"));
  }
}

TEST_F(AuthTest, WhereTheBackendChecks) {
  write(std::string(kListeners));
  EXPECT_EQ(test("anybody"), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("login:     let in, if his backend says so"));
  EXPECT_THAT(out_, HasSubstr("there as:  anybody, by his own password\n"));
}

// A token that no directory knows is its backend's to judge, and goes there with the name that was said.
TEST_F(AuthTest, WhereTheBackendChecksTokens) {
  std::string text(kListeners);
  for (size_t at = 0; (at = text.find("[[backend]]\n", at)) != std::string::npos; at += 12) {
    text.insert(at + 12, "forward_tokens = true\n");
  }
  write(text + "[auth]\nmechanisms = [\"XOAUTH2\"]\n");
  EXPECT_EQ(test("anybody", {"--mechanism", "XOAUTH2"}, "canary\n"), kOk) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("login:     let in, if his backend says so"));
  EXPECT_THAT(out_, HasSubstr("there as:  anybody, by his token\n"));
  EXPECT_EQ(test("anybody", {"--mechanism", "XOAUTH2"}, "\n"), kFailed);
}

TEST_F(AuthTest, ServersThatAreAway) {
  write(std::string(kListeners) +
        "[[directory]]\nname = \"people\"\ntype = \"postgresql\"\nservers = [\"127.0.0.1:1\"]\nlogin = \"postigo\"\n"
        "[directory.sql]\ndatabase = \"mail\"\nquery = \"SELECT pool FROM u WHERE name = %u\"\n");
  EXPECT_EQ(test("ann"), kTryLater);
  EXPECT_THAT(out_, HasSubstr("people about ann: it cannot say now"));
  EXPECT_THAT(out_, HasSubstr("login:     try later: directory_away"));
  EXPECT_EQ(on({"route", "ann"}), kTryLater);
  EXPECT_THAT(err_, HasSubstr("postigo: directory people: "));
}

TEST_F(AuthTest, Json) {
  ASSERT_EQ(test("inside", {"--json", "--address", "192.0.2.7"}), kFailed);
  Json said = Json::parse(out_);
  EXPECT_EQ(said["login"], "refused");
  EXPECT_EQ(said["reason"], "not_here");
  EXPECT_EQ(said["because"], "networks (10.0.0.0/8)");
  EXPECT_EQ(said["asked"][0]["answer"], "disabled");
  EXPECT_EQ(said["asked"][0]["facts"]["networks"], "10.0.0.0/8");
  ASSERT_EQ(test("ann", {"--json"}), kOk);
  said = Json::parse(out_);
  EXPECT_EQ(said["place"]["backends"][0]["name"], "b");
  EXPECT_EQ(said["verified"], true);
  EXPECT_EQ(test("\xff\xfe", {"--json"}), kFailed) << "a name that is no text";
  EXPECT_FALSE(Json::parse(out_, nullptr, false).is_discarded());
}

TEST_F(AuthTest, Mistakes) {
  for (std::vector<const char*> words : std::vector<std::vector<const char*>>{
           {"--mechanism", "NTLM"}, {"--protocol", "smtp"}, {"--address", "here"}, {"--listener", "frnt"}, {"extra"}}) {
    EXPECT_EQ(test("ann", words), kUsage) << words.back();
    EXPECT_EQ(out_, "");
  }
  EXPECT_EQ(test("ann", {"--listener", "frnt"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("did you mean \"front\"?"));
  EXPECT_EQ(test("ann", {}, "\n"), kFailed);
  EXPECT_THAT(err_, HasSubstr("the password is empty"));
  write(std::string(kListeners) + "wrokers = 1\n");
  EXPECT_EQ(test("ann"), kBadConfiguration);
}

}  // namespace
}  // namespace postigo
