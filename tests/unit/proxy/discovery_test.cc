// Services to targets: what is asked, how answers are read, and what a failure changes (nothing). The name server is a
// real one on loopback.
#include "proxy/control/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/fakes/dns_server.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using config::SrvTarget;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kName = "_imap._tcp.test";

class DiscoveryTest : public LoopTest {
 protected:
  void SetUp() override {
    live.resolver.servers = {{"127.0.0.1", server.port()}};
    live.resolver.timeout_ms = 200;
    live.resolver.tries = 2;
    live.resolver.ttl_min_ms = live.resolver.ttl_max_ms = live.resolver.failure_ttl_ms = 100;
    live.backends.resize(1);
    live.backends[0].name = "mail";
    live.backends[0].srv = {kName};
  }
  void TearDown() override {
    discovery.close();
    LoopTest::TearDown();
  }
  Dns::Answer ask(const std::string& name) {
    Dns dns(loop, live.resolver);
    std::optional<Dns::Answer> answer;
    Ticket ticket = dns.ask_srv(name, [&](Dns::Answer got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "never from inside the call";
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return answer.value_or(Dns::Answer{});
  }
  std::vector<SrvTarget> known() const {
    auto records = book.get();
    auto found = records->find(kName);
    return found == records->end() ? std::vector<SrvTarget>{} : found->second;
  }

  DnsServer server;
  config::Live live;
  SrvBook book;
  int changes = 0;
  bool takes_effect = true;
  Discovery discovery{loop, book, [this] {
                        ++changes;
                        if (takes_effect) discovery.use(live, book.get());
                      }};
};

TEST_F(DiscoveryTest, TargetsAreSortedAndOfOneSpelling) {
  server.tell(kName,
              {.ttl_s = 7, .services = {{20, 1, 993, "B.Test"}, {10, 5, 143, "a.test"}, {10, 5, 143, "A.test"}}});
  Dns::Answer answer = ask(kName);
  EXPECT_THAT(answer.targets, ElementsAre(SrvTarget{10, 5, 143, "a.test"}, SrvTarget{20, 1, 993, "b.test"}));
  EXPECT_EQ(answer.ttl_ms, 7000u);
}

// "." says that there is no such service, and a name may be anything.
TEST_F(DiscoveryTest, TargetsThatAreNoHosts) {
  server.tell(kName,
              {.services = {{0, 0, 143, ""}, {0, 0, 0, "a.test"}, {0, 0, 143, "a b.test"}, {0, 0, 143, "192.0.2.1"}}});
  EXPECT_THAT(ask(kName).targets, IsEmpty());
  EXPECT_THAT(ask(kName).why, HasSubstr("no target"));
}

TEST_F(DiscoveryTest, AnswersThatAreNone) {
  EXPECT_THAT(ask("_imap._tcp.unknown").why, HasSubstr("not found"));
  server.tell(kName, {.silent = true});
  EXPECT_THAT(ask(kName).why, HasSubstr("Timeout"));
  server.tell(kName, {.rcode = 2});
  EXPECT_THAT(ask(kName).targets, IsEmpty());
  server.tell(kName, {.truncated = true, .services = {{0, 0, 143, "a.test"}}});
  EXPECT_THAT(ask(kName).targets, ElementsAre(SrvTarget{0, 0, 143, "a.test"})) << "over TCP";
}

TEST_F(DiscoveryTest, WhatChangesIsToldOnce) {
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}}});
  discovery.use(live, book.get());
  EXPECT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_TRUE(run_until([&] { return server.asked(kName) >= 4; }));
  EXPECT_EQ(changes, 1) << "the same answer again is no news";
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}, {0, 0, 143, "b.test"}}});
  EXPECT_TRUE(run_until([&] { return changes == 2; }));
  EXPECT_EQ(known().size(), 2u);
}

TEST_F(DiscoveryTest, WhatCannotTakeEffectIsToldAgain) {
  takes_effect = false;
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}}});
  discovery.use(live, book.get());
  EXPECT_TRUE(run_until([&] { return changes >= 3; }));
  takes_effect = true;
  EXPECT_TRUE(run_until([&] { return changes >= 4; }));
  const int told = changes;
  run_for(500);
  EXPECT_EQ(changes, told);
}

TEST_F(DiscoveryTest, OfTooManyTargetsAlwaysTheSame) {
  DnsServer::Record many;
  for (int i = 0; i < 300; ++i) many.services.push_back({0, 0, 143, "h" + std::to_string(1000 + i) + ".test"});
  many.truncated = true;  // it is over TCP then
  server.tell(kName, many);
  auto some = ask(kName).targets;
  std::reverse(many.services.begin(), many.services.end());
  server.tell(kName, many);
  EXPECT_EQ(some.size(), 256u);
  EXPECT_EQ(ask(kName).targets, some);
}

TEST_F(DiscoveryTest, AFailureChangesNothing) {
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}}});
  discovery.use(live, book.get());
  EXPECT_TRUE(run_until([&] { return changes == 1; }));
  for (DnsServer::Record bad : {DnsServer::Record{.rcode = 3}, DnsServer::Record{.rcode = 2}, DnsServer::Record{}}) {
    const int before = server.asked(kName);
    server.tell(kName, bad);
    EXPECT_TRUE(run_until([&] { return server.asked(kName) >= before + 3; }));
    EXPECT_THAT(known(), ElementsAre(SrvTarget{0, 0, 143, "a.test"}));
  }
  EXPECT_EQ(changes, 1);
}

TEST_F(DiscoveryTest, AServiceThatIsNotConfiguredIsNotAskedAbout) {
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}}});
  discovery.use(live, book.get());
  EXPECT_TRUE(run_until([&] { return changes == 1; }));
  discovery.use(config::Live{}, book.get());
  run_for(50);
  const int before = server.asked(kName);
  run_for(500);
  EXPECT_EQ(server.asked(kName), before);
}

TEST_F(DiscoveryTest, AtTheStartAllAreAskedAtOnceAndNobodyForEver) {
  server.tell(kName, {.services = {{0, 0, 143, "a.test"}}});
  live.backends[0].srv.push_back("_pop3._tcp.unknown");
  discover(live, book);
  EXPECT_EQ(known().size(), 1u);
  EXPECT_EQ(book.get()->size(), 1u);
  discover(live, book);
  EXPECT_EQ(server.asked(kName), 1) << "it is known";
  live.resolver.timeout_ms = 60'000;
  server.tell("_pop3._tcp.unknown", {.silent = true});
  const uint64_t start_ms = clock_ms();
  discover(live, book);
  EXPECT_LT(clock_ms() - start_ms, 30'000u);
}

}  // namespace
}  // namespace postigo
