// Logins whose ledger says "later", as one that many doors share does: for a while, for ever, and when another door has
// bound the user elsewhere meanwhile.
#include "proxy/session/upstream.h"
#include "tests/fakes/slow_ledger.h"
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class SessionAndItsLedger : public HostTest {
 protected:
  static constexpr uint64_t kLapseMs = 60'000;

  SessionAndItsLedger() {
    config::Backend second = config.live.backends[0];
    second.name = "b2";
    second.ports["imap"] = second.ports["pop3"] = other.number();
    config.live.backends.push_back(second);
    config.live.pools[0].shards[0].backends = {"b1", "b2"};
    config.live.pools[0].affinity = true;
    bonds = &slow;
    slow.takes = slow.moves = slow.settles = 0;
    open();
    host->directory().answer.verdict = Verdict::ok;
  }

  std::pair<Session*, NearClient> asking() {
    auto pair = connected();
    pair.second.say("a LOGIN alice secret\r\n");
    return pair;
  }
  // The backend's end of a login that it has heard, with the tag to answer it under.
  std::pair<Peer, std::string> heard_by(std::string_view name, const Session& session) {
    EXPECT_TRUE(run_until([&] { return session.phase() == Phase::backend_login && logins_at(name) == 1; }));
    Peer backend = (name == "b1" ? port : other).accept();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    for (int i = 0; i < 3; ++i) turn();
    const std::string command = backend.hear("\r\n");
    return {std::move(backend), command.substr(0, command.find(' '))};
  }
  static std::string yes(const std::string& tag) { return tag + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"; }

  Bonds::Slot slot_of(std::string_view name) {
    return static_cast<Bonds::Slot>(host->snapshot()->find_backend(name)->state->slot);
  }
  uint64_t refused_so() {
    return host->stats()
        .protocols[host->snapshot()->frontends[0]->protocol_index]
        .refused[static_cast<size_t>(Refused::ledger_away)]
        .get();
  }
  int64_t logins_at(std::string_view name) { return host->snapshot()->find_backend(name)->state->logins; }
  void nothing_is_left() {
    EXPECT_EQ(host->ledger().holds.waiting(), 0);
    EXPECT_EQ(logins_at("b1") + logins_at("b2"), 0);
    auto known = truth.look("alice");
    EXPECT_TRUE(!known || known->logins + known->sessions == 0);
  }

  Port other{true};
  Affinity truth{1'000, {1, 2}, [] { return uv_hrtime() / 1'000'000; }};
  SlowBonds slow{truth};
};

TEST_F(SessionAndItsLedger, ALoginWaitsForItsAnswers) {
  slow.takes = slow.settles = 2;
  auto [session, client] = asking();
  ASSERT_TRUE(run_until([&] { return host->ledger().holds.waiting() == 1; }));
  EXPECT_EQ(session->phase(), Phase::lookup);
  auto [backend, tag] = heard_by("b1", *session);
  EXPECT_EQ(host->ledger().holds.waiting(), 0);
  backend.say(yes(tag) + "* 1 EXISTS\r\n");
  ASSERT_TRUE(run_until([&] { return slow.asked() == 3; }));
  EXPECT_FALSE(session->relaying()) << "nobody has said yet that he may be there";
  backend.say("* 2 EXISTS\r\n");
  EXPECT_THAT(hears(client, "2 EXISTS"), HasSubstr("* 1 EXISTS\r\n* 2 EXISTS\r\n")) << "nothing is lost meanwhile";
  EXPECT_TRUE(session->relaying());
  EXPECT_EQ(truth.look("alice")->sessions, 1U);
  client.say("b NOOP\r\n");
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(backend.hear("\n"), "b NOOP\r\n");
  session->abort(CloseReason::shutting_down);
  nothing_is_left();
}

// A refusal that is polite and no guess, in less time than a client's patience; and the next attempt is as good as any.
TEST_F(SessionAndItsLedger, WithoutAnAnswerItIsRefusedBeforeABackendIsAsked) {
  slow.takes = SlowBonds::kForEver;
  const uint64_t began_ms = clock_ms();
  auto [session, client] = asking();
  EXPECT_THAT(hears(client, "a NO"), HasSubstr("a NO [UNAVAILABLE]"));
  EXPECT_GE(clock_ms() - began_ms + TimerWheel::kTickMs, Upstream::kLedgerPatienceMs);
  EXPECT_EQ(refused_so(), 1U);
  EXPECT_LE(slow.asked(), 1 + Upstream::kLedgerPatienceMs / Upstream::kLedgerTickMs) << "on a tick";
  nothing_is_left();
  slow.takes = 0;
  client.say("b LOGIN alice secret\r\n");
  auto [backend, tag] = heard_by("b1", *session);
  backend.say(yes(tag));
  EXPECT_THAT(hears(client, "b OK"), HasSubstr("b OK"));
}

// The backend has said yes, and that is worth nothing.
TEST_F(SessionAndItsLedger, WithoutAnAnswerABackendsYesIsGivenUp) {
  slow.settles = SlowBonds::kForEver;
  auto [session, client] = asking();
  auto [backend, tag] = heard_by("b1", *session);
  backend.say(yes(tag));
  EXPECT_THAT(hears(client, "a NO"), HasSubstr("a NO [UNAVAILABLE]"));
  EXPECT_EQ(refused_so(), 1U);
  EXPECT_EQ(session->phase(), Phase::command);
  backend.hear_to_the_end();  // or it would wait in vain
  nothing_is_left();
  client.say("b LOGOUT\r\n");
  EXPECT_THAT(hears(client, "b OK"), HasSubstr("* BYE"));
}

TEST_F(SessionAndItsLedger, AMoveToTheNextBackendWaitsForItsAnswer) {
  slow.moves = 2;
  auto [session, client] = asking();
  heard_by("b1", *session).first.close();
  auto [backend, tag] = heard_by("b2", *session);
  EXPECT_EQ(slow.asked(), 2U);
  EXPECT_EQ(truth.look("alice")->backend, slot_of("b2"));
  backend.say(yes(tag));
  EXPECT_THAT(hears(client, "a OK"), HasSubstr("a OK"));
}

TEST_F(SessionAndItsLedger, WithoutAnAnswerNobodyIsMoved) {
  slow.moves = SlowBonds::kForEver;
  auto [session, client] = asking();
  heard_by("b1", *session).first.close();
  EXPECT_THAT(hears(client, "a NO"), HasSubstr("a NO [UNAVAILABLE]"));
  EXPECT_EQ(refused_so(), 1U);
  nothing_is_left();
}

// The door has lost its lease, and another door has a session of the user elsewhere: the backend's yes comes too late.
TEST_F(SessionAndItsLedger, WhoHasLostHisLeaseFollows) {
  slow.settles = 1;
  auto [session, client] = asking();
  auto [late, old_tag] = heard_by("b1", *session);
  Bonds::Bond at_another_door;
  truth.bind(at_another_door, "alice", slot_of("b2"), kLapseMs, [](Bonds::Slot) { return true; });
  ASSERT_EQ(at_another_door.move(slot_of("b2")), Bonds::Answer::yes);
  ASSERT_EQ(at_another_door.settle(), Bonds::Answer::yes);
  late.say(yes(old_tag));
  ASSERT_TRUE(run_until([&] { return logins_at("b2") == 1; }));
  late.hear_to_the_end();
  auto [backend, tag] = heard_by("b2", *session);
  EXPECT_FALSE(session->relaying());
  backend.say(yes(tag));
  EXPECT_THAT(hears(client, "a OK"), HasSubstr("a OK"));
  EXPECT_EQ(truth.look("alice")->sessions, 2U);
  session->abort(CloseReason::shutting_down);
  EXPECT_EQ(truth.look("alice")->sessions, 1U);
}

// Who leaves while it is asked leaves nothing, at either question.
TEST_F(SessionAndItsLedger, WhoLeavesMeanwhileLeavesNothing) {
  slow.takes = SlowBonds::kForEver;
  auto [first, client] = asking();
  ASSERT_TRUE(run_until([&] { return slow.asked() > 0; }));
  first->abort(CloseReason::client_lost);
  nothing_is_left();
  slow.takes = 0;
  slow.settles = SlowBonds::kForEver;
  const unsigned asked = slow.asked();
  auto [second, next_client] = asking();
  auto [backend, tag] = heard_by("b1", *second);
  backend.say(yes(tag));
  ASSERT_TRUE(run_until([&] { return slow.asked() > asked; }));
  second->abort(CloseReason::client_lost);
  nothing_is_left();
  backend.hear_to_the_end();
  EXPECT_TRUE(run_until([&] { return host->roll().size() == 0; }));
}

}  // namespace
}  // namespace postigo
