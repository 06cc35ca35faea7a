// What many sessions may take together: memory before login (A12), logins at one backend, and the time of a stop.
#include <utility>
#include <vector>

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class SessionBounds : public WorkerTest {
 protected:
  uint64_t held() const {
    return total([](const WorkerStats& stats) { return stats.login_bytes.get(); });
  }
  // Another backend, where bob lives.
  void add_backend_for_bob() {
    config::Backend backend = config.live.backends.front();
    backend.name = "b2";
    backend.ports["imap"] = backend.ports["pop3"] = other.number();
    config.live.backends.push_back(backend);
    config.live.pools.front().shards.push_back({"b2", 1.0, {"b2"}});
    auto rule = [](const char* user, const char* shard) {
      config::Rule made;
      made.user = user;
      made.shard = shard;
      return made;
    };
    config.live.routing.rules = {rule("bob", "b2"), rule("alice", "b1")};
  }
  Peer asking(const std::string& user) {
    Peer client = Peer::to(imap.number());
    client.hear("* OK");
    client.say("a1 LOGIN " + user + " secret\r\n");
    return client;
  }

  Port other{true};
};

TEST_F(SessionBounds, A12_UnfinishedCommandsTogetherAreBounded) {
  config.live.limits.login_memory = 1024 * 1024;
  start(1);
  std::vector<Peer> hoarders;
  for (int i = 0; i < 40; ++i) {
    hoarders.push_back(Peer::to(imap.number()));
    hoarders.back().hear("* OK");
    hoarders.back().say("a1 ID (" + std::string(60'000, 'x'));
  }
  ASSERT_TRUE(eventually([&] { return closed(CloseReason::login_memory) >= 20; }));
  EXPECT_LE(held(), 1024u * 1024 + 128 * 1024);
  EXPECT_THAT(hoarders.front().hear_to_the_end(), HasSubstr("* BYE [UNAVAILABLE]")) << "told politely";
  auto [client, backend] = relayed();  // whoever just wants to log in can
  hoarders.clear();
  EXPECT_TRUE(eventually([&] { return shared->sessions == 1; }));
  EXPECT_EQ(held(), 0u) << "who is logged in counts no more";
}

// 100 KB behind a login that fails: what is behind it stays with the kernel until it is asked for.
TEST_F(SessionBounds, A12_WhatIsBehindALoginIsNotHeld) {
  start(1);
  Peer client = asking("alice");
  client.say(std::string(100'000, 'x'));
  Peer backend = backends.accept();
  ASSERT_TRUE(eventually([&] { return in_phase(Phase::backend_login) == 1; }));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_LE(held(), 20u * 1024);
}

TEST_F(SessionBounds, AHungBackendDoesNotTakeThePlacesOfAll) {
  add_backend_for_bob();
  config.live.limits.backend_logins_max = 3;
  start();
  std::vector<Peer> hanging, backend_ends;
  for (int i = 0; i < 3; ++i) {
    hanging.push_back(asking("alice"));
    backend_ends.push_back(backends.accept());
  }
  auto begun = std::chrono::steady_clock::now();
  Peer late = asking("alice");
  EXPECT_THAT(late.hear("a1 "), HasSubstr("a1 NO [UNAVAILABLE]"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2)) << "at once";
  EXPECT_EQ(logins_at("b1"), 3);
  Peer bob = asking("bob");
  Peer healthy = other.accept();
  healthy.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
  std::string command = healthy.hear("\r\n");
  healthy.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
  bob.hear("a1 OK");
  EXPECT_TRUE(eventually([&] { return logins_at("b2") == 0; })) << "logged in";
  hanging.pop_back();
  backend_ends.pop_back();
  ASSERT_TRUE(eventually([&] { return logins_at("b1") == 2; }));
  late.say("a2 LOGIN alice secret\r\n");
  Peer backend = serve_login();
  late.hear("a2 OK");
}

// A refusal, an error and a client that leaves give the place back.
TEST_F(SessionBounds, PlacesAreGivenBackHoweverALoginEnds) {
  start();
  for (int i = 0; i < 4; ++i) {
    Peer client = asking("alice");
    Peer backend = backends.accept();
    ASSERT_TRUE(eventually([&] { return logins_at("b1") == 1; }));
    if (i == 0) client.reset();
    if (i == 1) backend.say("* BYE not now\r\n");
    if (i == 2) backend.reset();
    if (i == 3) {
      backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
      std::string command = backend.hear("\r\n");
      backend.say(command.substr(0, command.find(' ')) + " NO no\r\n");
    }
    EXPECT_TRUE(eventually([&] { return logins_at("b1") == 0; })) << i;
  }
}

// --- stopping ---

TEST_F(SessionBounds, LazyClientsDoNotHoldAStop) {
  config.live.limits.close_timeout_ms = 60'000;
  start();
  Peer greeted = Peer::to(imap.number());
  greeted.hear("* OK");
  auto [idle, idle_backend] = relayed();
  auto [full, full_backend] = relayed();
  full.say("a2 FETCH 1 BODY[]\r\n");
  full_backend.hear("FETCH");
  full_backend.say("* 1 FETCH (BODY[] {32000000}\r\n");
  full_backend.say_what_fits(std::string(32'000'000, 'm'));
  Peer left = Peer::to(imap.number());
  left.say("a1 LOGOUT\r\n");
  left.hear("a1 OK");
  ASSERT_TRUE(eventually([&] { return in_phase(Phase::closing) == 1; })) << "it does not close";
  auto begun = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5)) << "close_timeout is a minute";
  EXPECT_THAT(idle.hear_to_the_end(), HasSubstr("* BYE"));
}

TEST_F(SessionBounds, StoppingNowWaitsForNobody) {
  config.live.limits.close_timeout_ms = 60'000;
  start();
  Peer greeted = Peer::to(imap.number());
  greeted.hear("* OK");
  auto [idle, idle_backend] = relayed();
  Peer left = Peer::to(imap.number());
  left.say("a1 LOGOUT\r\n");
  left.hear("a1 OK");
  auto begun = std::chrono::steady_clock::now();
  for (auto& worker : workers) worker->stop();
  for (auto& worker : workers) worker->stop_now();
  EXPECT_TRUE(eventually([&] { return !workers[0]->running() && !workers[1]->running(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(900)) << "no second for lazy clients";
}

// --- replies that do not fit ---

TEST_F(SessionBounds, AReplyThatDoesNotFitEndsTheSession) {
  config.live.capabilities["imap"].add = {std::string(70'000, 'X')};
  config.live.capabilities["imap"].before_login = config.live.capabilities["imap"].add;
  start();
  Peer client = Peer::to(imap.number());
  EXPECT_THAT(client.hear_to_the_end(), EndsWith("* BYE [SERVERBUG] Internal error.\r\n"));
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::internal_error) == 1; }));
}

TEST_F(SessionBounds, ACommandToTheBackendThatDoesNotFitEndsTheSession) {
  config::Directory directory;
  directory.name = "users";
  config::StaticUser alice;
  alice.name = "alice";
  alice.backend_user = std::string(70'000, 'u');
  directory.users = {alice};
  config.live.auth.directories = {directory};
  start();
  Peer client = asking("alice");
  Peer backend = backends.accept();
  backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
  backend.hear("AUTHENTICATE");
  backend.say("+ \r\n");
  EXPECT_THAT(client.hear_to_the_end(), EndsWith("* BYE [SERVERBUG] Internal error.\r\n"));
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::internal_error) == 1; }));
  uint64_t attempts = 0;
  for (const auto& worker : workers) {
    for (const auto& mechanism : worker->stats().protocols[0].auth) {
      for (const Counter& each : mechanism) attempts += each.get();
    }
  }
  EXPECT_EQ(attempts, 1u) << "T66: one attempt, one result";
}

}  // namespace
}  // namespace postigo
