// Clients that are slow at the end: what they take they get, and what they do not get does not look complete (T75).
#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class SessionSlow : public WorkerTest {
 protected:
  SessionSlow() {
    config.live.limits.close_timeout_ms = 400;
    config.live.limits.relay_high_water = 64 * 1024 * 1024;
  }
  // A client with a small window that has asked for a large mail; the backend has said all of it and left.
  Peer behind() {
    Peer client = Peer::to(imap.number(), 4096);
    client.hear("* OK");
    client.say("a1 LOGIN alice secret\r\n");
    Peer backend = serve_login();
    client.hear("a1 OK");
    client.say("a2 FETCH 1 BODY[]\r\na3 LOGOUT\r\n");
    backend.hear("LOGOUT");
    backend.say("* 1 FETCH (BODY[] {" + std::to_string(kMail) + "}\r\n" + std::string(kMail, 'm') +
                ")\r\na2 OK\r\n* BYE\r\na3 OK\r\n");
    backend.close();
    EXPECT_TRUE(eventually([&] { return in_phase(Phase::closing) == 1; }));
    return client;
  }

  static constexpr size_t kMail = 24'000'000;
};

TEST_F(SessionSlow, T75_WhatIsUnsentWhenTheTimeIsOverEndsByReset) {
  start();
  Peer client = behind();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; }));
  EXPECT_LT(client.hear_to_the_end().size(), kMail);
  EXPECT_TRUE(client.was_reset()) << "a FIN in the middle of a literal";
}

TEST_F(SessionSlow, T75_ProgressExtendsTheTime) {
  start();
  Peer client = behind();
  std::string heard;
  for (int i = 0; i < 30; ++i) {  // three times close_timeout
    heard += client.hear_some(kMail / 40);
    std::this_thread::sleep_for(milliseconds(40));
  }
  heard += client.hear_to_the_end();
  EXPECT_FALSE(client.was_reset());
  EXPECT_GT(heard.size(), kMail);
  EXPECT_THAT(heard.substr(heard.size() - 30), EndsWith("a2 OK\r\n* BYE\r\na3 OK\r\n"));
}

TEST_F(SessionSlow, T75_StoppingInsideAResponseIsAReset) {
  start();
  auto [client, backend] = halfway();
  for (auto& worker : workers) worker->stop();
  client.hear_to_the_end();
  EXPECT_TRUE(client.was_reset());
}

// T73: last words that wait for a FIN to share a segment with would be taken along by a reset.
TEST_F(SessionSlow, T73_LastWordsBeforeAResetArrive) {
  start();
  for (int i = 0; i < 20; ++i) {
    auto [client, backend] = relayed();
    client.say("a2 NOOP\r\n");
    backend.hear("NOOP");
    backend.say("a2 OK done\r\n* 1 FETCH (BODY[] {1000}\r\nhalf of it");
    backend.close();  // told together with the data: the last words, and then a reset
    EXPECT_THAT(client.hear_to_the_end(), EndsWith("{1000}\r\nhalf of it"));
    EXPECT_TRUE(client.was_reset());
  }
}

}  // namespace
}  // namespace postigo
