// How sessions end: whose end is told to whom, what is still delivered, and two ends in the same turn of the loop.
#include <atomic>

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

using SessionEnd = WorkerTest;

TEST_F(SessionEnd, TheClientGoesBeforeItLogsIn) {
  start();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a");
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::client_closed) == 1; }));
}

// Balancers connect and close, some by RST, some after the greeting: no client, no failure, no line above debug.
TEST_F(SessionEnd, AHealthCheckIsAProbe) {
  start();
  for (uint16_t port : {imap.number(), pop3.number()}) {
    Peer greeted = Peer::to(port);
    greeted.hear("OK");
    greeted.close();
    Peer::to(port).close();
    Peer::to(port).reset();
  }
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::probe) == 6; }));
  EXPECT_EQ(closed(CloseReason::client_closed) + closed(CloseReason::client_lost), 0u);
  EXPECT_EQ(total([](const WorkerStats& stats) { return stats.protocols[0].session_seconds.sum_us(); }), 0u);
  for (const std::string& line : log.lines()) EXPECT_THAT(line, HasSubstr(" debug ")) << line;
}

TEST_F(SessionEnd, TheClientResetsWhileTheBackendThinks) {
  start();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a1 LOGIN alice secret\r\n");
  Peer backend = backends.accept();
  ASSERT_TRUE(eventually([&] { return in_phase(Phase::backend_login) == 1; }));
  client.reset();
  EXPECT_EQ(backend.hear_to_the_end(), "");
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::client_lost) == 1; }));
}

// Stops a worker's thread between two turns of its loop, so that what happens meanwhile comes in one turn.
class Brake {
 public:
  explicit Brake(Worker& worker) : loop_(worker.loop()) { loop_.timers().arm(timer_, 0); }  // before start()
  template <typename Meanwhile>
  void hold(Meanwhile meanwhile) {
    pulled_ = true;
    while (!standing_) std::this_thread::yield();
    meanwhile();
    pulled_ = false;
  }

 private:
  void tick() {
    standing_ = pulled_.load();
    while (pulled_) std::this_thread::yield();
    loop_.timers().arm(timer_, 0);
  }
  Loop& loop_;
  std::atomic<bool> pulled_{false}, standing_{false};
  Timer timer_{[](void* self) { static_cast<Brake*>(self)->tick(); }, this};
};

// The client's reset and the backend's OK arrive in one turn: the session ends once and never relays.
TEST_F(SessionEnd, A14_AResetAndAnOkInOneTurn) {
  make(1);
  Brake brake(*workers[0]);
  launch();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a1 LOGIN alice secret\r\n");
  Peer backend = backends.accept();
  backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
  std::string command = backend.hear("\r\n");
  brake.hold([&] {
    client.reset();
    backend.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1] in\r\n");
  });
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; }));
  stop();  // before the brake goes
  EXPECT_EQ(closed(CloseReason::client_lost), 1u);
  uint64_t attempts = 0;
  for (const auto& mechanism : workers[0]->stats().protocols[0].auth) {
    for (const Counter& each : mechanism) attempts += each.get();
  }
  EXPECT_EQ(attempts, 1u) << "T66: one attempt, one result";
}

TEST_F(SessionEnd, TheBackendRefusesTheConnection) {
  config.live.backends[0].ports["imap"] = imap.number() == 1 ? 2 : 1;  // nobody listens there
  start();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a1 LOGIN alice secret\r\na2 NOOP\r\n");
  EXPECT_THAT(client.hear("a1 "), HasSubstr("a1 NO [UNAVAILABLE]"));
  EXPECT_THAT(client.hear("a2 "), HasSubstr("a2 OK")) << "T19";
}

TEST_F(SessionEnd, T19_ARefusedLoginMayBeTriedAgain) {
  start();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a1 LOGIN alice wrong\r\n");
  Peer backend = backends.accept();
  backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
  std::string command = backend.hear("\r\n");
  backend.say(command.substr(0, command.find(' ')) + " NO [AUTHENTICATIONFAILED] no\r\n");
  EXPECT_THAT(client.hear("a1 "), HasSubstr("a1 NO [AUTHENTICATIONFAILED]"));
  client.say("a2 LOGIN alice secret\r\n");
  Peer other = serve_login();
  client.hear("a2 OK");
}

TEST_F(SessionEnd, T51_AQuitBeforeTheEndIsDelivered) {
  start();
  auto [client, backend] = relayed();
  client.say("a8 EXPUNGE\r\na9 LOGOUT\r\n");
  client.close();
  EXPECT_EQ(backend.hear_to_the_end(), "a8 EXPUNGE\r\na9 LOGOUT\r\n");
}

TEST_F(SessionEnd, T58_AHalfClosedClientStillGetsItsAnswer) {
  start();
  auto [client, backend] = relayed();
  client.say("a9 LOGOUT\r\n");
  client.half_close();
  EXPECT_EQ(backend.hear_to_the_end(), "a9 LOGOUT\r\n");
  backend.say("* BYE\r\na9 OK\r\n");
  backend.close();
  EXPECT_EQ(client.hear_to_the_end(), "* BYE\r\na9 OK\r\n");
}

// The backend is done and gone, the client half-closes while it still reads: the tail is his.
TEST_F(SessionEnd, T58_AClientThatHalfClosesLateGetsTheTail) {
  config.live.limits.close_timeout_ms = 8000;
  config.live.limits.relay_high_water = 64 * 1024 * 1024;
  start();
  auto [client, backend] = relayed();
  client.say("a2 FETCH 1 BODY[]\r\na3 LOGOUT\r\n");
  backend.hear("LOGOUT");
  std::string mail(24'000'000, 'm');
  backend.say("* 1 FETCH (BODY[] {" + std::to_string(mail.size()) + "}\r\n" + mail +
              ")\r\na2 OK\r\n* BYE\r\na3 OK\r\n");
  backend.close();
  ASSERT_TRUE(eventually([&] { return in_phase(Phase::closing) == 1; }));
  client.half_close();
  std::this_thread::sleep_for(milliseconds(100));
  std::string all = client.hear_to_the_end();
  EXPECT_GT(all.size(), mail.size());
  EXPECT_THAT(all.substr(all.size() - 20), EndsWith("* BYE\r\na3 OK\r\n"));
}

// T46, T59: what is cut off must neither get a BYE into its middle nor end as if it were complete.
TEST_F(SessionEnd, T46_T59_ABackendThatDiesInsideALiteralIsNoEnd) {
  start();
  auto [client, backend] = halfway();
  backend.reset();
  EXPECT_EQ(client.hear_to_the_end(), "half of it") << "no BYE inside a literal (T46)";
  EXPECT_TRUE(client.was_reset());
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::backend_lost) == 1; }));
}

TEST_F(SessionEnd, T59_AnOrderlyEndInsideAListingIsNoEnd) {
  start();
  auto [client, backend] = relayed_pop3();
  client.say("RETR 1\r\n");
  backend.hear("RETR");
  backend.say("+OK\r\nhalf of it\r\n");
  client.hear("half of it");
  backend.close();
  EXPECT_EQ(client.hear_to_the_end(), "");
  EXPECT_TRUE(client.was_reset());
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::backend_lost) == 1; }));
}

TEST_F(SessionEnd, T59_AnEndBetweenTwoAnswersIsAnEnd) {
  start();
  auto [client, backend] = relayed_pop3();
  client.say("RETR 1\r\n");
  backend.hear("RETR");
  backend.say("+OK\r\nall of it\r\n.\r\n");
  backend.close();
  EXPECT_EQ(client.hear_to_the_end(), "+OK\r\nall of it\r\n.\r\n");
  EXPECT_FALSE(client.was_reset());
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::backend_closed) == 1; }));
}

TEST_F(SessionEnd, ABackendThatDiesBetweenResponsesIsToldAsBye) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 NOOP\r\n");
  backend.hear("NOOP");
  backend.reset();
  EXPECT_THAT(client.hear_to_the_end(), testing::StartsWith("* BYE"));
}

}  // namespace
}  // namespace postigo
