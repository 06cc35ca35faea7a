// Whatever way a name comes in by, it is asked for, counted and logged in with as [names] says; and one that no login
// has is refused as a wrong one is, and nobody is asked.
#include "parser/base/base64.h"
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SessionNames : public HostTest {
 protected:
  SessionNames() {
    config.live.auth.mechanisms = {"OAUTHBEARER", "PLAIN", "ANONYMOUS"};
    config.live.auth.anonymous_user = "guest@example.net";
    config.live.auth.impersonation = {{"web@example.net", "*@example.net"}};
    config.live.auth.backend_login.mode = config::BackendLogin::Mode::master_authzid;
    config.live.auth.backend_login.master_user = "master";
    config.live.auth.backend_login.master_password = Secret(Bytes("key"));
    config.live.names.domain_aliases = {"example.net=example.com"};
    config.live.names.delimiter = "+";
    config.live.names.allowed = "[^!]+";
    open();
    host->directory().answer.verdict = Verdict::ok;
    host->directory().answer.identity.verified = true;
    host->directory().other.emplace().verdict = Verdict::ok;
  }

  static std::string plain(const std::string& authzid, const std::string& name) {
    using namespace std::string_literals;
    return "a AUTHENTICATE PLAIN " + base64_encode(authzid + "\0"s + name + "\0secret"s) + "\r\n";
  }
  // What the backend is told to log in with.
  std::string at_backend(NearClient& client, Session& session) {
    EXPECT_TRUE(run_until([&] { return session.phase() == Phase::backend_login; })) << hears(client, "\r\n");
    Peer backend = port.accept();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    turn();
    const std::string command = backend.hear("\r\n"), base64 = command.substr(command.rfind(' ') + 1);
    std::string text(base64_decode(base64.substr(0, base64.find('\r')))->reveal());
    std::replace(text.begin(), text.end(), '\0', '|');
    session.abort(CloseReason::shutting_down);
    return text;
  }
  std::string sent(const std::string& command) {
    auto [session, client] = connected();
    client.say(command);
    return at_backend(client, *session);
  }
};

TEST_F(SessionNames, OfPasswords) {
  EXPECT_EQ(sent("a LOGIN Joe+lists@EXAMPLE.net secret\r\n"), "joe@example.com|master|key");
  EXPECT_THAT(host->directory().asked, ElementsAre("joe@example.com"));
}

TEST_F(SessionNames, OfWhomOneActsAs) {
  EXPECT_EQ(sent(plain("Joe+x@example.net", "web@example.com")), "joe@example.com|master|key");
  EXPECT_THAT(host->directory().asked, ElementsAre("web@example.com", "joe@example.com"));
  auto [session, client] = connected();
  client.say(plain("joe@example.org", "web@example.com"));
  EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHORIZATIONFAILED"));
}

TEST_F(SessionNames, OfTokensAndOfNobody) {
  host->directory().answer.identity.user = "Joe+x@Example.NET";
  EXPECT_EQ(sent("a AUTHENTICATE OAUTHBEARER " + base64_encode("n,a=joe@example.com,\1auth=Bearer t\1\1") + "\r\n"),
            "joe@example.com|master|key")
      << "the claim is the name that the client gave";
  host->directory().answer.identity.user.clear();
  EXPECT_EQ(sent("a AUTHENTICATE ANONYMOUS " + base64_encode("me") + "\r\n"), "guest@example.com|master|key");
}

// Or limits and moves would know two of him, by the way that he came.
TEST_F(SessionNames, ADirectorysSpellingIsForTheBackendOnly) {
  Identity& identity = host->directory().answer.identity;
  identity.user = "Joe+x@Example.NET";
  auto [session, client] = connected();
  client.say("a LOGIN jd@example.com secret\r\n");
  EXPECT_EQ(at_backend(client, *session), "Joe+x@Example.NET|master|key");
  EXPECT_EQ(session->summary().user, "joe@example.com");
  identity.backend_user = "joe4711";
  EXPECT_EQ(sent("a LOGIN jd@example.com secret\r\n"), "joe4711|master|key");
  identity.user = "joe!";
  auto [refused, other] = connected();
  other.say("a LOGIN joe@example.com secret\r\n");
  EXPECT_THAT(hears(other, "a "), HasSubstr("a NO [AUTHENTICATIONFAILED]")) << "no login is called so";
}

TEST_F(SessionNames, ADirectorysSpellingOfWhomOneActsAs) {
  host->directory().other->identity.user = "JOE@example.com";
  auto [session, client] = connected();
  client.say(plain("joe@example.net", "web@example.com"));
  EXPECT_EQ(at_backend(client, *session), "JOE@example.com|master|key");
  EXPECT_EQ(session->summary().user, "joe@example.com");
}

TEST_F(SessionNames, WhatNoLoginIsCalledIsRefusedAndNobodyIsAsked) {
  for (const std::string& command : {std::string("a LOGIN joe! secret\r\n"), plain("joe!", "web@example.com"),
                                     std::string("a LOGIN @example.com secret\r\n")}) {
    auto [session, client] = connected();
    client.say(command);
    EXPECT_THAT(hears(client, "a "), HasSubstr("a NO [AUTHENTICATIONFAILED]")) << command;
  }
  EXPECT_THAT(host->directory().asked, IsEmpty());
  host->directory().answer.identity.user = "joe!";
  auto [session, client] = connected();
  client.say("a AUTHENTICATE OAUTHBEARER " + base64_encode("n,,\1auth=Bearer t\1\1") + "\r\n");
  hears(client, "\n+ ");
  client.say("AQ==\r\n");
  EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHENTICATIONFAILED")) << "nobody has the name that is in the token";
}

// Two spellings of a name are one, also for whoever guesses.
TEST_F(SessionNames, A23_GuessesAreCountedForOneUser) {
  host->directory().answer.verdict = Verdict::bad_credentials;
  for (const char* name : {"joe@example.com", "Joe@example.net", "joe+1@example.net", "joe+2@example.com"}) {
    auto [session, client] = connected();
    client.say("a LOGIN " + std::string(name) + " secret\r\n");
    hears(client, "a NO");
  }
  auto rows = host->penalties().list(host->snapshot()->penalty, 10, loop.now_ms());
  size_t users = 0;
  for (const auto& row : rows) users += row.user ? 1 : 0;
  EXPECT_EQ(users, 1U);
}

}  // namespace
}  // namespace postigo
