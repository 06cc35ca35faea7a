// Peers that go while they are not read (T72): their sessions, and above all their connections at the backend, go too.
#include <utility>

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class SessionGone : public WorkerTest {
 protected:
  SessionGone() {
    config.live.limits.relay_high_water = 16 * 1024;
    config.live.limits.half_close_timeout_ms = 600;
  }
  // Says so much that the session stops reading, and little more: an end behind it would be told.
  template <typename Moved>
  void fill(Peer& from, Moved moved) {
    for (uint64_t before = 0; before < 64'000'000;) {
      EXPECT_GT(from.say_what_fits(std::string(64'000, 'x')), 0u);
      std::this_thread::sleep_for(milliseconds(30));
      if (std::exchange(before, moved()) == moved()) return;
    }
    FAIL() << "no back-pressure";
  }
  void fill_from_client(Peer& client, Peer& backend) {
    client.say("a2 APPEND INBOX {90000000}\r\n");
    backend.hear("APPEND");
    backend.say("+ go\r\n");
    client.hear("+ ");
    fill(client, [this] { return total([](auto& stats) { return stats.protocols[0].bytes_from_client.get(); }); });
  }
  void fill_from_backend(Peer& client, Peer& backend) {
    client.say("a2 FETCH 1 BODY[]\r\n");
    backend.hear("FETCH");
    backend.say("* 1 FETCH (BODY[] {90000000}\r\n");
    fill(backend, [this] { return total([](auto& stats) { return stats.protocols[0].bytes_from_backend.get(); }); });
  }
  void expect_soon(CloseReason reason) {
    auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return closed(reason) == 1; })) << log.text();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
  }
  // The backend hears the end, and soon.
  static std::string heard_at_once(Peer& backend) {
    auto begun = std::chrono::steady_clock::now();
    std::string heard = backend.hear_to_the_end();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
    return heard;
  }
};

// --- while a login is being tried ---

TEST_F(SessionGone, T72_AResetDuringAnAttemptWithMuchBehindIt) {
  start();
  for (int behind : {0, 100, 300'000}) {
    Peer client = Peer::to(imap.number());
    client.hear("* OK");
    client.say("a1 LOGIN alice secret\r\n");
    Peer backend = backends.accept();
    ASSERT_TRUE(eventually([&] { return in_phase(Phase::backend_login) == 1; }));
    if (behind > 0) client.say_what_fits(std::string(static_cast<size_t>(behind), 'x'));
    client.reset();
    EXPECT_EQ(heard_at_once(backend), "");
    EXPECT_TRUE(eventually([&] { return shared->sessions == 0; }));
  }
  EXPECT_EQ(closed(CloseReason::client_lost), 3u);
}

// T58: who has shut down his writing side still wants to know whether the login succeeded, and all that he asked for.
TEST_F(SessionGone, T58_T72_AFinDuringAnAttemptIsAHalfClose) {
  start();
  Peer client = Peer::to(imap.number());
  client.hear("* OK");
  client.say("a1 LOGIN alice secret\r\na2 LOGOUT\r\n");
  client.half_close();
  Peer backend = serve_login();
  EXPECT_EQ(backend.hear_to_the_end(), "a2 LOGOUT\r\n");
  backend.say("* BYE\r\na2 OK\r\n");
  backend.close();
  EXPECT_THAT(client.hear_to_the_end(), EndsWith("* BYE\r\na2 OK\r\n"));
}

// --- in the relay ---

TEST_F(SessionGone, T72_AResetWhileTheBackendDoesNotTake) {
  start();
  auto [client, backend] = relayed();
  fill_from_client(client, backend);
  client.reset();
  expect_soon(CloseReason::client_lost);
  heard_at_once(backend);
}

TEST_F(SessionGone, T72_AFinWhileTheBackendDoesNotTake) {
  start();
  auto [client, backend] = relayed();
  fill_from_client(client, backend);
  client.close();  // it has read all that was said, so that this is a FIN
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; })) << "35 minutes are too long";
  heard_at_once(backend);
}

// Slow, but it takes: what the client said before it went is delivered, also if that takes longer than silence may.
TEST_F(SessionGone, T72_ABackendThatTakesSlowlyGetsAllBeforeTheFin) {
  start();
  auto [client, backend] = relayed();
  fill_from_client(client, backend);
  client.close();
  std::string heard;
  uint64_t said = total([](auto& stats) { return stats.protocols[0].bytes_from_client.get(); });
  for (int i = 0; i < 20; ++i) {
    heard += backend.hear_some(said / 40);
    std::this_thread::sleep_for(milliseconds(60));
  }
  heard += backend.hear_to_the_end();
  EXPECT_GT(heard.size(), said) << "what was not read yet comes on top";
  EXPECT_EQ(heard.find_first_not_of("x\n"), std::string::npos);
}

// The filter lets nothing pass until NOOP is answered; whoever waits there may be gone.
TEST_F(SessionGone, T72_AResetWhileTheFilterWaits) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 NOOP\r\na3 APPEND INBOX {5}\r\nhello\r\na4 NOOP\r\na5 APPEND INBOX {5}\r\n");
  backend.hear("NOOP");
  client.say_what_fits(std::string(300'000, 'x'));
  std::this_thread::sleep_for(milliseconds(100));
  client.reset();
  heard_at_once(backend);
  expect_soon(CloseReason::client_lost);
}

TEST_F(SessionGone, T72_AFinWhileTheFilterWaits) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 NOOP\r\na3 APPEND INBOX {5}\r\n");
  backend.hear("NOOP");
  client.close();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; })) << "35 minutes are too long";
  heard_at_once(backend);
}

TEST_F(SessionGone, T58_T72_AFinWhileTheFilterWaitsIsPassedOnBehindTheRest) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 NOOP\r\na3 APPEND INBOX {5+}\r\nhello\r\na4 LOGOUT\r\n");
  client.half_close();
  backend.hear("NOOP");
  std::this_thread::sleep_for(milliseconds(200));
  backend.say("a2 OK\r\n");
  std::string append = backend.hear("APPEND");
  std::string tag = append.substr(0, append.find(' '));  // not always the client's
  backend.say("+ go\r\n");
  EXPECT_THAT(backend.hear_to_the_end(), EndsWith("hello\r\na4 LOGOUT\r\n"));
  backend.say(tag + " OK\r\n* BYE\r\na4 OK\r\n");
  backend.close();
  EXPECT_THAT(client.hear_to_the_end(), HasSubstr("a3 OK\r\n* BYE\r\na4 OK\r\n"));
}

// Closed, not half-closed: the backend's next octet finds nobody, and that ends the session at once.
TEST_F(SessionGone, T72_WhoClosedIsFoundOutByTheNextAnswer) {
  config.live.limits.half_close_timeout_ms = 60'000;
  start();
  auto [client, backend] = relayed();
  client.say("a2 SEARCH TEXT slow\r\n");
  backend.hear("SEARCH");
  client.close();
  EXPECT_EQ(backend.hear_to_the_end(), "");  // the FIN
  backend.say("* SEARCH 1\r\n");
  expect_soon(CloseReason::client_lost);
}

TEST_F(SessionGone, T72_AResetOfAClientThatDoesNotRead) {
  start();
  auto [client, backend] = relayed();
  fill_from_backend(client, backend);
  client.reset();
  heard_at_once(backend);
  expect_soon(CloseReason::client_lost);
}

// --- the backend ---

TEST_F(SessionGone, T72_ABackendThatResetsWhileTheClientDoesNotRead) {
  start();
  auto [client, backend] = relayed();
  fill_from_backend(client, backend);
  backend.reset();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; })) << "35 minutes are too long";
  client.hear_to_the_end();
  EXPECT_TRUE(client.was_reset()) << "T59";
}

TEST_F(SessionGone, T72_ABackendThatEndsWhileTheClientDoesNotRead) {
  start();
  auto [client, backend] = relayed();
  fill_from_backend(client, backend);
  backend.close();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 0; })) << "35 minutes are too long";
  client.hear_to_the_end();
  EXPECT_TRUE(client.was_reset()) << "T59";
}

// The same, but the client is only slow: it gets all that the backend said, and then its end.
TEST_F(SessionGone, T72_ASlowClientGetsAllThatABackendSaidBeforeItsEnd) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 FETCH 1 BODY[]\r\na3 LOGOUT\r\n");
  backend.hear("LOGOUT");
  std::string mail(8'000'000, 'm');
  std::thread speaker([&backend = backend, &mail] {
    backend.say("* 1 FETCH (BODY[] {" + std::to_string(mail.size()) + "}\r\n" + mail +
                ")\r\na2 OK\r\n* BYE\r\na3 OK\r\n");
    backend.close();
  });
  std::string heard;
  for (int i = 0; i < 20; ++i) {
    heard += client.hear_some(mail.size() / 30);
    std::this_thread::sleep_for(milliseconds(60));
  }
  heard += client.hear_to_the_end();
  speaker.join();
  EXPECT_FALSE(client.was_reset());
  EXPECT_GT(heard.size(), mail.size());
  EXPECT_THAT(heard.substr(heard.size() - 30), EndsWith("a2 OK\r\n* BYE\r\na3 OK\r\n"));
}

}  // namespace
}  // namespace postigo
