// Connections that are ready before somebody logs in: made, taken once, renewed, dropped; and a client hears the same.
#include "proxy/session/ready_pool.h"

#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

using testing::HasSubstr;

constexpr const char* kGreeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello\r\n";

class ReadyPoolTest : public HostTest {
 protected:
  ReadyPoolTest() {
    settings().ready = {0, 2, 60'000};
    config.live.listeners.push_back(clear_listener("pop3", 110));
  }
  config::Backend& settings() { return config.live.backends[0]; }
  void start() {
    open();
    host->directory().answer.verdict = Verdict::ok;
  }
  BackendState& state() { return **lasting.fleet.backend("b1"); }
  int64_t ready() { return ready_at(state()); }
  uint64_t count(ReadyResult result) {
    return host->stats().backends[state().slot].ready[static_cast<size_t>(result)].get();
  }
  uint64_t connects() { return host->stats().backends[state().slot].connects.get(); }

  // The next connection of ours at the backend.
  Peer arrives() {
    const uint64_t before = accepted_++;
    EXPECT_TRUE(run_until([&] { return connects() > before; }));
    return port.accept();
  }
  Peer greeted(const std::string& greeting = kGreeting) {
    Peer peer = arrives();
    peer.say(greeting);
    return peer;
  }
  // Lets the loop take what the backend has said.
  void settle() { run_for(100); }

  void answer(Peer& backend, const std::string& with = "OK [CAPABILITY IMAP4rev1 IDLE] in") {
    std::string command = backend.hear("\r\n");
    EXPECT_THAT(command, HasSubstr("AUTHENTICATE PLAIN"));
    backend.say(command.substr(0, command.find(' ')) + " " + with + "\r\n");
  }
  NearClient wants_in() {
    auto [session, client] = connected();
    client.say("a LOGIN alice secret\r\n");
    EXPECT_TRUE(run_until([s = session] { return s->phase() == Phase::backend_login; }));
    return std::move(client);
  }
  // One login by a connection that is made for it; then the pool makes one.
  Peer first_login_and_then_one_is_ready(const std::string& greeting = kGreeting) {
    auto [session, client] = connected();
    client.say("a LOGIN alice secret\r\n");
    Peer backend = greeted();
    settle();
    answer(backend);
    first_heard = hears(client, "a OK");
    clients_.push_back(std::move(client));
    backends_.push_back(std::move(backend));
    Peer parked = greeted(greeting);
    settle();
    EXPECT_EQ(ready(), 1);
    return parked;
  }

  std::string first_heard;
  std::vector<NearClient> clients_;
  std::vector<Peer> backends_;
  uint64_t accepted_ = 0;
};

TEST_F(ReadyPoolTest, ALoginGoesOnWithOneAndTheClientHearsTheSame) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  NearClient client = wants_in();
  answer(parked);
  EXPECT_EQ(hears(client, "a OK"), first_heard);
  EXPECT_EQ(count(ReadyResult::used), 1U);
  client.say("b NOOP\r\n");
  settle();
  EXPECT_EQ(parked.hear("\n"), "b NOOP\r\n");
  Peer next = greeted();  // in its place
  settle();
  EXPECT_EQ(ready(), 1);
}

TEST_F(ReadyPoolTest, NoneIsUsedTwiceAndMoreThanMayBeAreNotMade) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  NearClient one = wants_in();
  Peer next = arrives();  // says nothing: it is not ready
  auto [session, other] = connected();
  other.say("a LOGIN bob secret\r\n");
  Peer own = greeted();
  settle();
  answer(own);
  EXPECT_THAT(hears(other, "a OK"), HasSubstr("a OK"));
  answer(parked);
  EXPECT_THAT(hears(one, "a OK"), HasSubstr("a OK"));
  EXPECT_LE(ready(), 2);
  EXPECT_EQ(count(ReadyResult::used), 1U);
}

// Whoever is refused by one is refused; after an answer it is the backend's word, as ever.
TEST_F(ReadyPoolTest, WhatABackendAnswersByOneIsItsAnswer) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  for (const char* code : {"[AUTHENTICATIONFAILED]", "[UNAVAILABLE]"}) {
    NearClient client = wants_in();
    Peer next = greeted();  // in its place
    answer(parked, "NO " + std::string(code) + " not you");
    EXPECT_THAT(hears(client, "a NO"), HasSubstr(code));
    clients_.push_back(std::move(client));
    settle();
    parked = std::move(next);
  }
  EXPECT_EQ(count(ReadyResult::used), 2U);
  EXPECT_EQ(count(ReadyResult::failed), 0U);
}

// It dies before it hears the login: that goes on by a fresh connection, and nobody is to blame.
TEST_F(ReadyPoolTest, OneThatEndsBeforeItHearsTheLoginFailsNobody) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  parked.go_deaf();
  NearClient client = wants_in();
  Peer next = greeted();  // in its place
  settle();
  parked.close();
  Peer fresh = greeted();
  settle();
  answer(fresh);
  EXPECT_EQ(hears(client, "a OK"), first_heard);
  EXPECT_EQ(count(ReadyResult::failed), 1U);
  EXPECT_TRUE(state().health(0).calm());
  for (const Counter& each : host->stats().backends[state().slot].errors) EXPECT_EQ(each.get(), 0U);
}

// Nobody is there any more, and nobody says so.
TEST_F(ReadyPoolTest, OneThatIsSilentlyDeadIsGivenUpAfterTheGreetingsPatience) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  parked.go_deaf();
  NearClient client = wants_in();
  Peer next = greeted();  // in its place
  Peer fresh = greeted();
  settle();
  answer(fresh);
  EXPECT_EQ(hears(client, "a OK"), first_heard);
  EXPECT_EQ(count(ReadyResult::failed), 1U);
  EXPECT_TRUE(state().health(0).calm());
}

// It may have counted a wrong password.
TEST_F(ReadyPoolTest, ALoginThatMayHaveBeenHeardIsNotSaidTwice) {
  settings().health.passive = false;  // it is told, and the next one is made all the same
  start();
  Peer parked = first_login_and_then_one_is_ready();
  for (const char* last : {"", "* BYE Internal error.\r\n"}) {
    NearClient client = wants_in();
    Peer next = greeted();  // in its place
    settle();
    EXPECT_THAT(parked.hear("\r\n"), HasSubstr("AUTHENTICATE"));
    parked.say(last);
    parked.close();
    EXPECT_THAT(hears(client, "a NO"), HasSubstr("[UNAVAILABLE]"));
    EXPECT_EQ(connects(), accepted_);
    clients_.push_back(std::move(client));
    parked = std::move(next);
  }
  EXPECT_EQ(count(ReadyResult::failed), 0U);
}

TEST_F(ReadyPoolTest, OneThatIsSlowToAnswerIsWaitedFor) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  state().health(0).greeted(settings().health.silence_ms);
  ASSERT_FALSE(state().health(0).calm());
  NearClient client = wants_in();
  run_for(state().health(0).patience_ms() + 1'000);
  EXPECT_EQ(connects(), accepted_) << "none is made for the same login";
  answer(parked);
  EXPECT_EQ(hears(client, "a OK"), first_heard);
  EXPECT_EQ(count(ReadyResult::used), 1U);
}

// What cannot be said is the login's own failure, as it would be by a fresh one.
TEST_F(ReadyPoolTest, ALoginThatCannotBeSaidSaysNothingAboutTheConnection) {
  start();
  Peer parked = first_login_and_then_one_is_ready("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n");
  auto [session, client] = connected();
  client.say("a LOGIN alice secret\r\n");
  EXPECT_THAT(hears(client, "a NO"), HasSubstr("[UNAVAILABLE]"));
  EXPECT_EQ(count(ReadyResult::failed), 0U);
}

// Room that is there because the backend has just gone down is nobody's turn.
TEST_F(ReadyPoolTest, WhoWaitsForRoomDoesNotDialWhatIsDown) {
  settings().sessions_max = 1;
  settings().queue_timeout_ms = 20'000;
  start();
  state().sessions = 1;
  auto [session, client] = connected();
  client.say("a LOGIN alice secret\r\n");
  EXPECT_TRUE(run_until([&] { return state().queue.size() == 1; }));
  SharedHealth& health = state().health(0);
  for (uint64_t i = 1; !health.down() && i < 20; ++i) health.bad(loop.now_ms(), Depth::connect, "refused", i, 0);
  ASSERT_TRUE(health.down());
  state().sessions = 0;
  EXPECT_THAT(hears(client, "a NO"), HasSubstr("[UNAVAILABLE]"));
  EXPECT_EQ(connects(), 0U);
}

TEST_F(ReadyPoolTest, WhereMemoryIsShortNoneIsMadeAndThoseThatAreThereAreCounted) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  EXPECT_EQ(host->ready().size(), 1U);
  host->ceiling().set_limit(1'000'000);
  host->ceiling().change(900'000);
  auto taken = host->ready().take(*host->snapshot(), host->snapshot()->backends[0], *find_protocol("imap"));
  ASSERT_NE(taken, nullptr);
  host->ready().refill();
  EXPECT_EQ(host->ready().size(), 0U) << "not even to be thrown away";
  taken->abandon();
}

TEST_F(ReadyPoolTest, OneThatTheBackendEndsIsDroppedAtOnceAndReplacedLater) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  parked.say("* BYE Disconnected for inactivity.\r\n");
  parked.close();
  EXPECT_TRUE(run_until([&] { return ready() == 0; }));
  EXPECT_EQ(count(ReadyResult::failed), 1U);
  EXPECT_EQ(connects(), accepted_) << "not at once";
  Peer next = greeted();
  settle();
  EXPECT_EQ(ready(), 1);
}

// The kernel knows it, and the loop does not yet.
TEST_F(ReadyPoolTest, WhatHasJustEndedIsNotTaken) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  parked.close();
  auto fit = host->ready().take(*host->snapshot(), host->snapshot()->backends[0], *find_protocol("imap"));
  EXPECT_EQ(fit, nullptr);
  EXPECT_EQ(ready(), 0);
  EXPECT_EQ(count(ReadyResult::failed), 1U);
}

TEST_F(ReadyPoolTest, WhatOperatorsTakeOutKeepsNone) {
  for (Wanted wanted : {Wanted::down, Wanted::drain}) {
    if (host == nullptr) start();
    Peer parked = accepted_ == 0 ? first_login_and_then_one_is_ready() : greeted();
    settle();
    state().wanted = wanted;
    EXPECT_TRUE(run_until([&] { return ready() == 0; }));
    EXPECT_THAT(parked.hear_to_the_end(), HasSubstr("LOGOUT\r\n"));
    const uint64_t connects_before = connects();
    run_for(600);
    EXPECT_EQ(connects(), connects_before);
    state().wanted = Wanted::automatic;
  }
  EXPECT_EQ(count(ReadyResult::unused), 2U);
}

TEST_F(ReadyPoolTest, NorDoesOneThatIsDownOrOnlyDoubtful) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  SharedHealth& health = state().health(0);
  health.bad(loop.now_ms(), Depth::connect, "refused");
  ASSERT_FALSE(health.calm());
  run_for(600);
  EXPECT_EQ(ready(), 1) << "what is there may stay";
  parked.close();
  run_for(1'600);
  EXPECT_EQ(ready(), 0) << "but none is made";
  EXPECT_EQ(connects(), accepted_);
}

TEST_F(ReadyPoolTest, AReloadLetsThemGo) {
  start();
  Peer parked = first_login_and_then_one_is_ready();
  settings().tls.verify = false;
  config::Problems problems;
  host->exchange(Snapshot::make(config, lasting, problems));
  EXPECT_EQ(ready(), 0);
  settle();
  EXPECT_THAT(parked.hear_to_the_end(), HasSubstr("LOGOUT\r\n"));
}

TEST_F(ReadyPoolTest, TheLeastIsThereWithoutAnyLoginAndRenewed) {
  settings().ready = {1, 2, 3'000};
  start();
  Peer first_imap = arrives();
  Peer first_pop3 = arrives();  // of each protocol
  first_imap.say(kGreeting);
  settle();
  EXPECT_EQ(ready(), 2);
  EXPECT_TRUE(run_until([&] { return count(ReadyResult::unused) == 1; }));
  EXPECT_THAT(first_imap.hear("\r\n"), HasSubstr("LOGOUT"));
  Peer next = arrives();
  EXPECT_LE(ready(), 2);
}

TEST_F(ReadyPoolTest, WhereNobodyComesNoneStays) {
  settings().ready.idle_ms = 3'000;
  start();
  Peer parked = first_login_and_then_one_is_ready();
  EXPECT_TRUE(run_until([&] { return ready() == 0; }));
  run_for(600);
  EXPECT_EQ(ready(), 0);
  EXPECT_EQ(connects(), accepted_);
}

TEST_F(ReadyPoolTest, NoneWhereTheHeaderNamesTheClientNorBeyondWhatAllMayHave) {
  settings().proxy_protocol = config::SendProxyHeader::v2;
  start();
  auto taken = host->ready().take(*host->snapshot(), host->snapshot()->backends[0], *find_protocol("imap"));
  host->ready().refill();
  run_for(600);
  EXPECT_EQ(taken, nullptr);
  EXPECT_EQ(connects(), 0U);
  Places places;
  places.set_ready_max(1);
  auto one = places.take_ready(state(), 0, 5);
  EXPECT_TRUE(one);
  EXPECT_FALSE(places.take_ready(state(), 0, 5)) << "of all backends";
  EXPECT_EQ(ready(), 1);
}

}  // namespace
}  // namespace postigo
