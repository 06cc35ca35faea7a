// The idle time after login. The configuration allows none below the RFCs' half an hour and ten minutes; here it is
// shorter than a second, behind the configuration's back.
#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

using testing::StartsWith;

class SessionIdle : public WorkerTest {
 protected:
  SessionIdle() { config.live.limits.idle_timeout_ms["imap"] = config.live.limits.idle_timeout_ms["pop3"] = kIdleMs; }
  static void wait_ms(int ms) { std::this_thread::sleep_for(milliseconds(ms)); }
  void expect_idle_end() {
    EXPECT_TRUE(eventually([&] { return closed(CloseReason::idle_timeout) == 1; }));
    EXPECT_TRUE(eventually([&] { return log.text().find(" reason=idle_timeout") != std::string::npos; }));
  }

  static constexpr int kIdleMs = 900;
};

TEST_F(SessionIdle, T35_SilenceEndsAnImapSessionWithABye) {
  start();
  auto [client, backend] = relayed();
  auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(client.hear_to_the_end(), StartsWith("* BYE Idle"));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(kIdleMs - 300));
  EXPECT_EQ(backend.hear_to_the_end(), "") << "never a LOGOUT of ours";
  client.close();
  expect_idle_end();
}

// T35: one clock for both directions: in IDLE only the backend speaks, in a long APPEND only the client.
TEST_F(SessionIdle, T35_EitherDirectionIsLife) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 IDLE\r\n");
  backend.hear("IDLE");
  backend.say("+ idling\r\n");
  client.hear("+ ");
  for (int i = 0; i < 6; ++i) {
    wait_ms(kIdleMs / 3);
    backend.say("* OK still here\r\n");
    client.hear("still here");
  }
  client.say("DONE\r\n");
  backend.hear("DONE");
  backend.say("a2 OK\r\n");
  client.hear("a2 OK");
  client.say("a3 APPEND INBOX {60}\r\n");
  backend.hear("APPEND");
  backend.say("+ go\r\n");
  client.hear("+ ");
  for (int i = 0; i < 6; ++i) {
    wait_ms(kIdleMs / 3);
    client.say("12345678\r\n");
    backend.hear("12345678");
  }
  EXPECT_EQ(in_phase(Phase::relay), 1u);
}

TEST_F(SessionIdle, T46_T75_NoByeInsideALiteralAndNoFin) {
  start();
  auto [client, backend] = halfway();
  EXPECT_EQ(client.hear_to_the_end(), "half of it");
  EXPECT_TRUE(client.was_reset()) << "T59: in the middle of a response it must not look complete";
  expect_idle_end();
}

// T49: a time-out is not a QUIT: no mail is deleted, and POP3 has no line for a good-bye.
TEST_F(SessionIdle, T49_SilenceEndsAPop3SessionWithoutAQuit) {
  start();
  auto [client, backend] = relayed_pop3();
  client.say("DELE 1\r\n");
  backend.hear("DELE");
  backend.say("+OK gone\r\n");
  client.hear("gone");
  EXPECT_EQ(client.hear_to_the_end(), "");
  EXPECT_EQ(backend.hear_to_the_end(), "");
  client.close();
  expect_idle_end();
}

}  // namespace
}  // namespace postigo
