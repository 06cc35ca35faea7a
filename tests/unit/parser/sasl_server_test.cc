// The mechanisms by themselves: what they accept, what they ask for, what they refuse to pass on.
#include "parser/sasl/client.h"
#include "parser/sasl/server.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "parser/base/limits.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::sasl {
namespace {

const Setting& setting() {
  static const FakeFacts facts;
  static const Setting made{facts, "mail.example.org"};
  return made;
}

using namespace std::string_literals;

Status run(std::string_view mechanism, const std::vector<std::string>& responses, Credentials& credentials) {
  auto server = make_server(mechanism, setting());
  std::string challenge;
  Status status = Status::challenge;
  for (const std::string& response : responses) {
    EXPECT_EQ(status, Status::challenge) << "fed after its end";
    Bytes bytes = response;
    status = server->step(&bytes, challenge, credentials);
  }
  return status;
}

// The same three values through each mechanism. LOGIN has no authzid.
Status attempt(std::string_view mechanism, const std::string& authzid, const std::string& user,
               const std::string& password, Credentials& credentials) {
  if (mechanism == "PLAIN") return run("PLAIN", {authzid + "\0"s + user + "\0"s + password}, credentials);
  Status status = run("LOGIN", {user}, credentials);
  return status == Status::malformed ? status : run("LOGIN", {user, password}, credentials);
}

// Nobody can have it: it is refused like a wrong one, and carries no password on.
bool impossible(Status status, const Credentials& got) {
  return status == Status::done && !got.possible && got.password.empty() && got.authzid.empty();
}

TEST(SaslServer, PlainOfRfc4616) {
  Credentials got;
  ASSERT_EQ(run("plain", {"\0tim\0tanstaaftanstaaf"s}, got), Status::done);
  EXPECT_EQ(got.mechanism, "PLAIN");
  EXPECT_EQ(got.user, "tim");
  EXPECT_EQ(got.authzid, "");
  EXPECT_TRUE(got.password.equals("tanstaaftanstaaf"));
}

TEST(SaslServer, T24_PlainKeepsAForeignIdentityAndDropsOnesOwn) {
  Credentials got;
  ASSERT_EQ(run("PLAIN", {"Ursel\0Kurt\0xipj3plmq"s}, got), Status::done);
  EXPECT_EQ(got.user, "Kurt");
  EXPECT_EQ(got.authzid, "Ursel");
  ASSERT_EQ(run("PLAIN", {"Kurt\0Kurt\0xipj3plmq"s}, got), Status::done);
  EXPECT_EQ(got.authzid, "") << "left over from the attempt before, or one's own name kept";
}

TEST(SaslServer, PlainWithoutInitialResponseGetsAnEmptyChallenge) {
  auto server = make_server("PLAIN", setting());
  std::string challenge = "x";
  Credentials got;
  EXPECT_EQ(server->step(nullptr, challenge, got), Status::challenge);
  EXPECT_EQ(challenge, "");
  Bytes response("\0u\0p", 4);
  EXPECT_EQ(server->step(&response, challenge, got), Status::done);
}

TEST(SaslServer, LoginAsksForBothParts) {
  auto server = make_server("Login", setting());
  std::string challenge;
  Credentials got;
  got.authzid = "stale";
  EXPECT_EQ(server->step(nullptr, challenge, got), Status::challenge);
  EXPECT_EQ(challenge, "Username:");
  Bytes user = "tim";
  EXPECT_EQ(server->step(&user, challenge, got), Status::challenge);
  EXPECT_EQ(challenge, "Password:");
  Bytes password = " pass word ";
  EXPECT_EQ(server->step(&password, challenge, got), Status::done);
  EXPECT_EQ(got.mechanism, "LOGIN");
  EXPECT_EQ(got.user, "tim");
  EXPECT_EQ(got.authzid, "");
  EXPECT_TRUE(got.password.equals(" pass word "));
}

TEST(SaslServer, LoginTakesTheNameAsInitialResponse) {
  Credentials got;
  ASSERT_EQ(run("LOGIN", {"tim", "secret"}, got), Status::done);
  EXPECT_EQ(got.user, "tim");
}

TEST(SaslServer, A2_T8_NoLineEndPassesAnyMechanism) {
  for (std::string_view mechanism : {"PLAIN", "LOGIN"}) {
    for (char c : {'\r', '\n'}) {
      for (size_t at : {0U, 1U, 2U}) {
        std::string bad = "ab";
        bad.insert(at, 1, c);
        Credentials got;
        SCOPED_TRACE(testing::Message() << mechanism << " control " << int{c} << " at " << at);
        EXPECT_TRUE(impossible(attempt(mechanism, "", bad, "pw", got), got));
        EXPECT_TRUE(impossible(attempt(mechanism, "", "user", bad, got), got));
        if (mechanism == "PLAIN") {
          EXPECT_TRUE(impossible(attempt(mechanism, bad, "user", "pw", got), got));
        }
      }
    }
  }
}

TEST(SaslServer, T7_NulBreaksTheSyntax) {
  for (std::string_view mechanism : {"PLAIN", "LOGIN"}) {
    for (size_t at : {0U, 1U, 2U}) {
      std::string bad = "ab";
      bad.insert(at, 1, '\0');
      Credentials got;
      // It moves PLAIN's fields, but three of them are never a message.
      EXPECT_EQ(attempt(mechanism, "", bad, "pw", got), Status::malformed) << mechanism;
      EXPECT_EQ(attempt(mechanism, "", "user", bad, got), Status::malformed) << mechanism;
      EXPECT_TRUE(got.user.empty() && got.password.empty());
    }
  }
}

TEST(SaslServer, T76_A15_NamesAndPasswordsAreOctets) {
  const std::string texts[] = {
      "j\xc3\xb6rg",  "j\xf6rg",          "\x83\x41\x83\x5c", "\xd0\xc1\xd7\xc5\xcc", "\x80",  "\xc0\xaf",
      "\xed\xa0\x80", "\xf8\x88\x80\x80", "\xfe\xff",         " both ends ",          "\ttab", "\x1b$B\x46|\x1b(B",
      "\x01\x7f"};
  for (std::string_view mechanism : {"PLAIN", "LOGIN"}) {
    for (const std::string& text : texts) {
      Credentials got;
      ASSERT_EQ(attempt(mechanism, "", text, text, got), Status::done) << mechanism;
      EXPECT_TRUE(got.possible);
      EXPECT_EQ(got.user, text);
      EXPECT_TRUE(got.password.equals(text));
    }
  }
}

TEST(SaslServer, EmptyNamesAndPasswordsAreNobodys) {
  Credentials got;
  EXPECT_TRUE(impossible(run("PLAIN", {"\0\0pw"s}, got), got));
  EXPECT_TRUE(impossible(run("PLAIN", {"\0user\0"s}, got), got));
  EXPECT_TRUE(impossible(run("LOGIN", {"", "pw"}, got), got));
  EXPECT_TRUE(impossible(run("LOGIN", {"user", ""}, got), got));
  EXPECT_EQ(run("PLAIN", {""}, got), Status::malformed);
  EXPECT_EQ(run("PLAIN", {"user"}, got), Status::malformed);
  EXPECT_EQ(run("PLAIN", {"\0user"s}, got), Status::malformed);
}

TEST(SaslServer, LimitsAreExact) {
  std::string user(limits::kUserMax, 'u');
  std::string password(limits::kPasswordMax, 'p');
  for (std::string_view mechanism : {"PLAIN", "LOGIN"}) {
    Credentials got;
    EXPECT_EQ(attempt(mechanism, "", user, password, got), Status::done);
    EXPECT_TRUE(got.possible);
    EXPECT_TRUE(impossible(attempt(mechanism, "", user + "u", password, got), got));
    EXPECT_EQ(got.user, user) << "for the log, cut";
    EXPECT_TRUE(impossible(attempt(mechanism, "", user, password + "p", got), got));
  }
  Credentials got;
  EXPECT_TRUE(impossible(attempt("PLAIN", user + "u", "u", "p", got), got));
}

TEST(SaslServer, UnknownMechanismsAreNull) {
  EXPECT_EQ(make_server("GSSAPI", setting()), nullptr);
  EXPECT_EQ(make_server("", setting()), nullptr);
  EXPECT_EQ(make_server("PLAIN ", setting()), nullptr);
}

TEST(SaslServer, PlainMessageIsWhatTheServerReads) {
  EXPECT_TRUE(plain_message("a", "b", "c").equals("a\0b\0c"s));
  EXPECT_TRUE(plain_message("", "b", "c").equals("\0b\0c"s));
}

}  // namespace
}  // namespace postigo::sasl
