// Workers: start and stop with sessions open in every phase, on real loopback; no handle is left, every count returns.
#include "proxy/worker.h"

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

TEST_F(WorkerTest, StartAndStop) { start(); }

TEST_F(WorkerTest, AbandonedBeforeTheyRan) {
  make(2);
  for (auto& worker : workers) worker->abandon();
}

TEST_F(WorkerTest, StoppingTwiceIsStoppingOnce) {
  start();
  for (auto& worker : workers) worker->stop();
}

TEST_F(WorkerTest, OneSessionFromGreetingToLogout) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 NOOP\r\n");
  EXPECT_EQ(backend.hear("\r\n"), "a2 NOOP\r\n");
  backend.say("a2 OK done\r\n");
  EXPECT_EQ(client.hear("a2 "), "a2 OK done\r\n");
  client.say("a3 LOGOUT\r\n");
  backend.hear("LOGOUT");
  backend.say("* BYE\r\na3 OK\r\n");
  backend.close();
  EXPECT_EQ(client.hear_to_the_end(), "* BYE\r\na3 OK\r\n");
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::logout) == 1; }));
  std::string line = log.text();
  EXPECT_THAT(line, HasSubstr(" user=alice "));
  EXPECT_THAT(line, HasSubstr(" backend=b1 shard=b1 "));
  EXPECT_THAT(line, HasSubstr(" reason=logout"));
  EXPECT_EQ(line.find("secret"), std::string::npos) << "A33";
}

TEST_F(WorkerTest, StopWithSessionsInEveryPhase) {
  start();
  Peer greeted = Peer::to(imap.number());
  greeted.hear("* OK");
  Peer half_command = Peer::to(imap.number());
  half_command.say("a1 LOGIN al");
  Peer pop = Peer::to(pop3.number());
  pop.hear("+OK");
  pop.say("USER alice\r\n");
  pop.hear("+OK");
  auto [relaying, relaying_backend] = relayed();
  Peer logging_in = Peer::to(imap.number());
  logging_in.say("a1 LOGIN bob secret\r\na2 NOOP\r\n");
  Peer silent_backend = backends.accept();  // connected, never greets
  ASSERT_TRUE(eventually([&] {
    return in_phase(Phase::command) == 3 && in_phase(Phase::backend_login) == 1 && in_phase(Phase::relay) == 1;
  }));

  for (auto& worker : workers) worker->stop();
  EXPECT_THAT(greeted.hear_to_the_end(), HasSubstr("* BYE"));
  EXPECT_THAT(half_command.hear_to_the_end(), HasSubstr("* BYE"));
  EXPECT_THAT(pop.hear_to_the_end(), HasSubstr("-ERR [SYS/TEMP]"));
  EXPECT_THAT(logging_in.hear_to_the_end(), HasSubstr("* BYE"));
  EXPECT_THAT(relaying.hear_to_the_end(), testing::StartsWith("* BYE")) << "between two responses it is legal (T46)";
  EXPECT_EQ(relaying_backend.hear_to_the_end(), "") << "never a LOGOUT of ours";
  EXPECT_EQ(silent_backend.hear_to_the_end(), "");
  for (Peer* peer : {&greeted, &half_command, &pop, &logging_in, &relaying}) peer->close();
  stop();
  EXPECT_EQ(closed(CloseReason::shutting_down), 5u);
}

TEST_F(WorkerTest, StopDoesNotWaitForClientsThatLinger) {
  config.live.limits.close_timeout_ms = 200;
  start();
  Peer lingering = Peer::to(imap.number());
  lingering.hear("* OK");
  auto begun = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
}

// T49: whatever ends a POP3 session, a QUIT that the client did not say never reaches the backend.
TEST_F(WorkerTest, T49_StoppingNeverSaysQuit) {
  start();
  auto [client, backend] = relayed_pop3();
  client.say("DELE 1\r\n");
  backend.hear("DELE");
  stop();
  EXPECT_EQ(backend.hear_to_the_end(), "");
}

TEST_F(WorkerTest, BeyondTheLimitClientsAreToldSo) {
  sessions_max = 2;
  start();
  Peer first = Peer::to(imap.number()), second = Peer::to(imap.number());
  first.hear("* OK");
  second.hear("* OK");
  Peer third = Peer::to(imap.number());
  EXPECT_THAT(third.hear_to_the_end(), HasSubstr("* BYE"));
  third.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::session_limit) == 1; }));
  first.close();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 1; }));
  Peer again = Peer::to(imap.number());
  again.hear("* OK");
}

TEST_F(WorkerTest, AnAddressThatIsTakenIsAnError) {
  config.live.listeners[0].addresses = {{"127.0.0.1", backends.number()}};
  auto doors = Doors(2).open(config.live.listeners);
  ASSERT_FALSE(doors.has_value());
  EXPECT_EQ(doors.error().message, "listener imap: cannot listen on 127.0.0.1:" + std::to_string(backends.number()) +
                                       ": address already in use");
}

}  // namespace
}  // namespace postigo
