// Sessions in a host that the test plays: no worker, no thread, no port and no waiting, so each step is seen.
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

using testing::ElementsAre;

class SessionInAHost : public HostTest {
 protected:
  SessionInAHost() { open(); }
};

TEST_F(SessionInAHost, GreetsAndAnswersByItself) {
  auto [session, client] = connected();
  EXPECT_THAT(hears(client, "\n"), testing::StartsWith("* OK"));
  client.say("a NOOP\r\n");
  EXPECT_EQ(hears(client, "\n"), "a OK NOOP completed.\r\n");
  EXPECT_TRUE(host->directory().asked.empty());
  client.say("b LOGOUT\r\n");
  EXPECT_THAT(hears(client, "b "), testing::HasSubstr("b OK"));
  client.leave();
  EXPECT_TRUE(run_until([&] { return !host->ended.empty(); }));
  EXPECT_THAT(host->ended, ElementsAre(CloseReason::logout));
}

TEST_F(SessionInAHost, TheDirectorysWordIsWhatTheClientHears) {
  struct Row {
    Verdict verdict;
    const char* told;
  };
  for (const Row& row :
       {Row{Verdict::bad_credentials, "NO [AUTHENTICATIONFAILED]"},
        Row{Verdict::no_such_user, "NO [AUTHENTICATIONFAILED]"}, Row{Verdict::disabled, "NO [AUTHENTICATIONFAILED]"},
        Row{Verdict::try_later, "NO [UNAVAILABLE]"}, Row{Verdict::unusable, "NO [UNAVAILABLE]"}}) {
    host->directory().answer.verdict = row.verdict;
    auto [session, client] = connected();
    client.say("a LOGIN Alice secret\r\n");
    EXPECT_THAT(hears(client, "a "), testing::HasSubstr(row.told));
    EXPECT_EQ(session->phase(), Phase::command);
  }
  EXPECT_THAT(host->directory().asked, ElementsAre("alice", "alice", "alice", "alice", "alice"));
}

// A look-up that is never answered: what the deadline does, without waiting for it.
TEST_F(SessionInAHost, ALookupThatHangsEndsWithItsDeadlineAndTheNextOneIsAnswered) {
  auto [session, client] = connected();
  host->directory().silent = true;
  client.say("a LOGIN alice secret\r\n");
  EXPECT_TRUE(run_until([&] { return !host->directory().asked.empty(); }));
  EXPECT_EQ(session->phase(), Phase::lookup);
  session->rearm(0);
  EXPECT_THAT(hears(client, "a "), testing::HasSubstr("a NO [UNAVAILABLE]"));
  host->directory().silent = false;
  host->directory().answer.verdict = Verdict::bad_credentials;
  client.say("b LOGIN alice secret\r\n");
  EXPECT_THAT(hears(client, "b "), testing::HasSubstr("b NO [AUTHENTICATIONFAILED]"));
}

// The answer of a look-up whose session has ended meanwhile finds nobody.
TEST_F(SessionInAHost, ALookupOutlivesNoSession) {
  auto [session, client] = connected();
  host->directory().silent = true;
  client.say("a LOGIN alice secret\r\n");
  EXPECT_TRUE(run_until([&] { return !host->directory().asked.empty(); }));
  session->abort(CloseReason::shutting_down);
  turn();
  host->directory().speak();
  EXPECT_THAT(host->ended, ElementsAre(CloseReason::shutting_down));
  EXPECT_EQ(host->roll().size(), 0U);
}

TEST_F(SessionInAHost, ABackendsYesMakesARelay) {
  host->directory().answer.verdict = Verdict::ok;
  auto [session, client] = connected();
  client.say("a LOGIN alice secret\r\n");
  ASSERT_TRUE(run_until([s = session] { return s->phase() == Phase::backend_login; }));
  Peer backend = port.accept();
  backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
  turn();
  std::string command = backend.hear("\r\n");
  backend.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
  ASSERT_TRUE(run_until([s = session] { return s->relaying(); }));
  EXPECT_THAT(hears(client, "a OK"), testing::HasSubstr("a OK"));
  client.say("b NOOP\r\n");
  turn();
  EXPECT_EQ(backend.hear("\n"), "b NOOP\r\n");
}

class SessionInALine : public HostTest {
 protected:
  SessionInALine() {
    config.live.backends[0].sessions_max = 1;
    config.live.backends[0].queue_timeout_ms = 60'000;
    open();
  }
};

// Those who wait came under the old terms, and a reload gives their backend more room.
TEST_F(SessionInALine, WhoWaitsForRoomWaitsUnderTheNewTerms) {
  BackendState& state = *host->snapshot()->find_backend("b1")->state;
  state.sessions = 1;
  host->directory().answer.verdict = Verdict::ok;
  auto [session, client] = connected();
  client.say("a LOGIN alice secret\r\n");
  ASSERT_TRUE(run_until([&] { return state.queue.size() == 1; }));
  config.live.backends[0].sessions_max = 2;
  config::Problems problems;
  host->exchange(Snapshot::make(config, lasting, problems));
  EXPECT_TRUE(run_until([s = session] { return s->phase() == Phase::backend_login; }));
  EXPECT_EQ(state.queue.size(), 0U);
  state.sessions = 0;
}

}  // namespace
}  // namespace postigo
