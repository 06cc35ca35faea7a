// Logins in which a directory does not see a password: what it is asked for, and what becomes of the answer.
#include "parser/base/base64.h"
#include "tests/fakes/sasl_facts.h"
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SessionProof : public HostTest {
 protected:
  SessionProof() {
    config.live.auth.mechanisms = {"SCRAM-SHA-256", "CRAM-MD5", "OAUTHBEARER", "PLAIN", "ANONYMOUS"};
    config.live.auth.anonymous_user = "guest";
    config.live.auth.impersonation = {{"webmail", "*"}, {"*@help.org", "*@users.org"}};
    config.live.auth.backend_login.mode = config::BackendLogin::Mode::master_authzid;
    config.live.auth.backend_login.master_user = "master";
    config.live.auth.backend_login.master_password = Secret(Bytes("key"));
    open();
    host->directory().answer.verdict = Verdict::ok;
    host->directory().other.emplace().verdict = Verdict::ok;  // it has no other name for him
  }

  // The challenge that the client is sent, decoded.
  std::string challenged(NearClient& client) {
    constexpr std::string_view kSign = "\n+ ";
    std::string text = "\n" + hears(client, "\r\n");
    while (text.find(kSign) == std::string::npos) text += hears(client, "\r\n");
    size_t from = text.find(kSign) + kSign.size();
    return std::string(base64_decode(text.substr(from, text.find('\r', from) - from))->reveal());
  }
  static void say_base64(NearClient& client, const std::string& text) { client.say(base64_encode(text) + "\r\n"); }

  void cram(NearClient& client, const std::string& user, Bytes password) {
    client.say("a AUTHENTICATE CRAM-MD5\r\n");
    std::string challenge = challenged(client);
    say_base64(client, user + " " + sasl::hex(sasl::hmac(EVP_md5(), password, challenge).reveal()));
  }
  uint64_t counted(size_t mechanism, AuthResult result) {
    return host->stats().protocols[0].auth[mechanism][static_cast<size_t>(result)].get();
  }
  static size_t place(std::string_view mechanism) {
    auto found = std::find(kMechanismNames.begin(), kMechanismNames.end(), mechanism);
    return static_cast<size_t>(found - kMechanismNames.begin());
  }
};

TEST_F(SessionProof, AProvenSecretIsEnough) {
  host->directory().answer.secret.cleartext = Secret("pencil");
  auto [session, client] = connected();
  cram(client, "Alice", "pencil");
  EXPECT_EQ(plain_at_backend(client, *session), "alice|master|key");
  EXPECT_THAT(host->directory().asked, ElementsAre("alice")) << "once";
  EXPECT_THAT(host->directory().wants, ElementsAre(Want::secret));
}

TEST_F(SessionProof, A21_WrongUnknownDisabledAndWithoutASecret) {
  struct Row {
    Verdict verdict;
    const char* kept;
    bool disabled;
    const char* told;
  };
  for (const Row& row : {Row{Verdict::ok, "other", false, "NO [AUTHENTICATIONFAILED]"},
                         Row{Verdict::ok, "", false, "NO [AUTHENTICATIONFAILED]"},
                         Row{Verdict::ok, "pencil", true, "NO [AUTHENTICATIONFAILED]"},
                         Row{Verdict::no_such_user, "pencil", false, "NO [AUTHENTICATIONFAILED]"},
                         Row{Verdict::disabled, "pencil", false, "NO [AUTHENTICATIONFAILED]"},
                         Row{Verdict::unusable, "pencil", false, "NO [UNAVAILABLE]"},
                         Row{Verdict::try_later, "pencil", false, "NO [UNAVAILABLE]"}}) {
    LookupResult& answer = host->directory().answer;
    answer.verdict = row.verdict;
    answer.secret.cleartext = Secret(row.kept);
    answer.identity.disabled = row.disabled;
    auto [session, client] = connected();
    cram(client, "alice", "pencil");
    EXPECT_THAT(hears(client, "a "), HasSubstr(row.told)) << row.kept;
    EXPECT_EQ(session->phase(), Phase::command);
    client.say("b NOOP\r\n");
    EXPECT_THAT(hears(client, "b "), HasSubstr("b OK"));
  }
  EXPECT_EQ(counted(place("CRAM-MD5"), AuthResult::bad_credentials), 5U);
}

TEST_F(SessionProof, A21_WhateverTheVerdictKeysLookAlike) {
  for (Verdict verdict : {Verdict::ok, Verdict::no_such_user, Verdict::bad_credentials, Verdict::disabled}) {
    LookupResult& answer = host->directory().answer;
    answer.verdict = verdict;
    answer.secret = {.decoy = {15000, 24}};
    auto [session, client] = connected();
    client.say("a AUTHENTICATE SCRAM-SHA-256\r\n");
    challenged(client);
    say_base64(client, "n,,n=alice,r=abc");
    EXPECT_THAT(challenged(client), HasSubstr("i=15000"));
  }
}

TEST_F(SessionProof, A23_EachWrongProofIsAGuess) {
  host->directory().answer.secret.cleartext = Secret("pencil");
  auto [session, client] = connected();
  for (int i = 0; i < 4; ++i) {
    cram(client, "alice", "wrong");
    hears(client, "a NO");
  }
  auto rows = host->penalties().list(session->snapshot().penalty, 10, loop.now_ms());
  ASSERT_FALSE(rows.empty());
  EXPECT_GE(rows[0].failures, 3.5) << rows[0].whom;
}

// Who must wait has waited when he hears the challenge: a wrong proof behind it costs no second time.
TEST_F(SessionProof, APenaltyIsServedOnceForTheWholeExchange) {
  config.live.penalty.free = 0;
  config.live.penalty.delay_ms = config.live.penalty.delay_max_ms = 4'000;
  host->ready().close();
  open();
  host->directory().answer.verdict = Verdict::ok;
  auto [session, client] = connected();
  cram(client, "alice", "wrong");
  hears(client, "a NO");
  const uint64_t began_ms = loop.now_ms();
  client.say("a AUTHENTICATE SCRAM-SHA-256\r\n");
  challenged(client);
  say_base64(client, "n,,n=alice,r=abc");
  const std::string first = challenged(client);
  const uint64_t waited_ms = loop.now_ms() - began_ms;
  EXPECT_GE(waited_ms, 3'000) << "what is forgotten meanwhile shortens it";
  say_base64(client, "c=biws," + first.substr(0, first.find(',')) + ",p=" + base64_encode(std::string(32, 'x')));
  hears(client, "a NO");
  EXPECT_LT(loop.now_ms() - began_ms - waited_ms, 3'000);
}

TEST_F(SessionProof, T20_WhatIsBrokenOffHasBeenAnAttempt) {
  auto [session, client] = connected();
  client.say("a AUTHENTICATE SCRAM-SHA-256\r\n");
  challenged(client);
  say_base64(client, "n,,n=alice,r=abc");
  EXPECT_THAT(challenged(client), HasSubstr("i=4096"));
  EXPECT_EQ(session->phase(), Phase::command);
  client.say("*\r\n");
  EXPECT_THAT(hears(client, "a "), HasSubstr("a BAD"));
  EXPECT_EQ(counted(place("SCRAM-SHA-256"), AuthResult::aborted), 1U);
  // And who leaves in the middle.
  client.say("b AUTHENTICATE SCRAM-SHA-256\r\n");
  challenged(client);
  say_base64(client, "n,,n=alice,r=abc");
  challenged(client);
  client.leave();
  EXPECT_TRUE(run_until([&] { return !host->ended.empty(); }));
  EXPECT_EQ(counted(place("SCRAM-SHA-256"), AuthResult::aborted), 2U) << "once each (T66)";
}

TEST_F(SessionProof, T22_ATokenIsRefusedInTwoSteps) {
  LookupResult& answer = host->directory().answer;
  answer.verdict = Verdict::bad_credentials;
  answer.token_error = R"({"status":"expired"})";
  auto [session, client] = connected();
  client.say("a AUTHENTICATE OAUTHBEARER " + base64_encode("n,a=alice,\1auth=Bearer t\1\1") + "\r\n");
  EXPECT_EQ(challenged(client), R"({"status":"expired"})");
  client.say("AQ==\r\n");
  EXPECT_THAT(hears(client, "a "), HasSubstr("a NO [AUTHENTICATIONFAILED]"));
  EXPECT_THAT(host->directory().wants, ElementsAre(Want::token));
}

// Who issues tokens knows names in a case of his own, and not where mailboxes are: others are asked for that.
TEST_F(SessionProof, WhoseTokenItIsLivesWhereADirectorySays) {
  LookupResult& answer = host->directory().answer;
  std::optional<LookupResult>& other = host->directory().other;
  auto attempt = [&] {
    answer.identity.user = "Carol";
    answer.identity.verified = true;
    auto pair = connected();
    pair.second.say("a AUTHENTICATE OAUTHBEARER " + base64_encode("n,,\1auth=Bearer t\1\1") + "\r\n");
    return pair;
  };
  {
    other->identity.backend_user = "carol-at-home";
    auto [session, client] = attempt();
    EXPECT_EQ(plain_at_backend(client, *session), "carol-at-home|master|key");
    EXPECT_THAT(host->directory().wants, ElementsAre(Want::token, Want::account));
    EXPECT_THAT(host->directory().asked.back(), "carol");
    session->abort(CloseReason::shutting_down);
  }
  {
    other = LookupResult();
    other->verdict = Verdict::no_such_user;
    auto [session, client] = attempt();
    EXPECT_EQ(plain_at_backend(client, *session), "carol|master|key") << "nobody else knows him, and nobody has to";
    session->abort(CloseReason::shutting_down);
  }
  for (auto [verdict, told] :
       {std::pair(Verdict::disabled, "NO [AUTHENTICATIONFAILED]"), std::pair(Verdict::try_later, "NO [UNAVAILABLE]")}) {
    other->verdict = verdict;
    auto [session, client] = attempt();
    if (verdict == Verdict::disabled) {
      EXPECT_THAT(challenged(client), HasSubstr("invalid_token"));
      client.say("AQ==\r\n");
    }
    EXPECT_THAT(hears(client, "a "), HasSubstr(told));
  }
}

TEST_F(SessionProof, ATokenSaysWhoseItIs) {
  LookupResult& answer = host->directory().answer;
  auto attempt = [&](const char* name, const char* whose, bool verified) {
    answer.identity.user = whose;
    answer.identity.verified = verified;
    auto pair = connected();
    pair.second.say("a AUTHENTICATE OAUTHBEARER " + base64_encode(std::string(name) + "\1auth=Bearer t\1\1") + "\r\n");
    return pair;
  };
  {
    auto [session, client] = attempt("n,,", "carol", true);
    EXPECT_EQ(plain_at_backend(client, *session), "carol|master|key");
    session->abort(CloseReason::shutting_down);
  }
  {
    auto [session, client] = attempt("n,a=bob,", "carol", true);
    EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHORIZATIONFAILED")) << "another's token";
  }
  {
    auto [session, client] = attempt("n,a=bob,", "webmail", true);
    EXPECT_EQ(plain_at_backend(client, *session), "bob|master|key") << "by a rule";
    session->abort(CloseReason::shutting_down);
  }
  {
    auto [session, client] = attempt("n,a=bob,", "", true);
    EXPECT_EQ(plain_at_backend(client, *session), "bob|master|key") << "the directory has agreed to the name";
    session->abort(CloseReason::shutting_down);
  }
  auto [session, client] = attempt("n,,", "", true);
  challenged(client);
  client.say("*\r\n");
  EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHENTICATIONFAILED")) << "nobody's";
}

TEST_F(SessionProof, T24_ByRuleOneMayActAsAnother) {
  host->directory().answer.identity.verified = true;
  auto log_in = [&](const std::string& whom, const std::string& who) {
    host->directory().asked.clear();
    host->directory().wants.clear();
    auto pair = connected();
    pair.second.say("a AUTHENTICATE PLAIN " +
                    base64_encode(whom + std::string(1, '\0') + who + std::string(1, '\0') + "pw") + "\r\n");
    return pair;
  };
  {
    auto [session, client] = log_in("Bob", "WebMail");
    EXPECT_EQ(plain_at_backend(client, *session), "bob|master|key");
    EXPECT_EQ(session->summary().user, "bob");
    EXPECT_THAT(host->directory().asked, ElementsAre("webmail", "bob"));
    EXPECT_THAT(host->directory().wants, ElementsAre(Want::verdict, Want::account));
    session->abort(CloseReason::shutting_down);
  }
  for (auto [whom, who] : {std::pair("bob", "alice"), std::pair("bob@users.org", "bob@else.org"),
                           std::pair("bob@else.org", "ann@help.org")}) {
    auto [session, client] = log_in(whom, who);
    EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHORIZATIONFAILED")) << who;
    EXPECT_TRUE(host->directory().asked.empty()) << "nobody was asked";
  }
  {
    auto [session, client] = log_in("ann@users.org", "ann@help.org");
    EXPECT_EQ(plain_at_backend(client, *session), "ann@users.org|master|key");
    session->abort(CloseReason::shutting_down);
  }
  host->directory().answer.identity.verified = false;
  auto [session, client] = log_in("bob", "webmail");
  EXPECT_EQ(plain_at_backend(client, *session), "bob|webmail|pw") << "the backend decides";
}

TEST_F(SessionProof, T24_WhoActsHasProvenWhoHeIsFirst) {
  host->directory().answer.verdict = Verdict::bad_credentials;
  auto [session, client] = connected();
  client.say("a AUTHENTICATE PLAIN " + base64_encode(std::string("bob\0webmail\0pw", 14)) + "\r\n");
  EXPECT_THAT(hears(client, "a "), HasSubstr("AUTHENTICATIONFAILED"));
  EXPECT_THAT(host->directory().asked, ElementsAre("webmail"));
}

TEST_F(SessionProof, AnonymousIsAUserLikeOthers) {
  auto [session, client] = connected();
  client.say("a AUTHENTICATE ANONYMOUS " + base64_encode("sirhc") + "\r\n");
  EXPECT_EQ(plain_at_backend(client, *session), "guest|master|key");
  EXPECT_THAT(host->directory().wants, ElementsAre(Want::account));
}

}  // namespace
}  // namespace postigo
