// Names to addresses: what is asked, what is remembered, and for how long. The name server is a real one on loopback
// that is slow, silent, wrong or of changing mind.
#include "proxy/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/fakes/dns_server.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ResolverTest : public LoopTest {
 protected:
  void SetUp() override {
    settings.servers = {{"127.0.0.1", server.port()}};
    settings.timeout_ms = 200;
    settings.tries = 2;
    restart();
  }
  void TearDown() override {
    resolver.reset();
    LoopTest::TearDown();
  }
  // With the settings as they are now, and an empty memory.
  void restart() { resolver = std::make_unique<Resolver>(loop, settings); }

  static std::vector<std::string> hosts(const std::vector<Address>& addresses) {
    std::vector<std::string> result;
    for (const Address& address : addresses) result.push_back(address.host());
    return result;
  }
  // Addresses, or one line that says why not.
  static std::vector<std::string> shown(const Resolver::Answer& answer) {
    return answer ? hosts(*answer) : std::vector<std::string>{answer.error().message};
  }
  std::vector<std::string> ask(const std::string& host) {
    std::optional<Resolver::Answer> answer;
    Ticket ticket = resolver->resolve(host, [&](Resolver::Answer got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "never from inside resolve()";
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return answer ? shown(*answer) : std::vector<std::string>{"no answer at all"};
  }
  std::vector<std::string> known(const std::string& host) {
    const std::vector<Address>* addresses = resolver->known(host);
    return addresses != nullptr ? hosts(*addresses) : std::vector<std::string>{};
  }
  // One that the caller does not wait for.
  void ask_in_vain(const std::string& host) {
    Ticket dropped = resolver->resolve(host, [](const Resolver::Answer&) { ADD_FAILURE() << "cancelled"; });
  }
  bool asked(const std::string& name, int times) {
    return run_until([&] { return server.asked(name) >= times; });
  }

  DnsServer server;
  config::Resolver settings;
  std::unique_ptr<Resolver> resolver;
};

TEST_F(ResolverTest, LiteralsAreKnownAtOnce) {
  for (std::string literal : {"192.0.2.1", "2001:db8::1", "::1"}) {
    EXPECT_THAT(known(literal), ElementsAre(literal));
    EXPECT_THAT(ask(literal), ElementsAre(literal));
    EXPECT_EQ(server.asked(literal), 0);
  }
}

TEST_F(ResolverTest, NamesAreAskedForAndRemembered) {
  server.tell("mail.test", {.addresses = {"192.0.2.1", "192.0.2.2", "2001:db8::1"}});
  EXPECT_THAT(known("mail.test"), ElementsAre());
  EXPECT_THAT(ask("mail.test"), UnorderedElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
  EXPECT_THAT(known("mail.test"), UnorderedElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
  EXPECT_THAT(ask("mail.test"), UnorderedElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
  EXPECT_EQ(server.asked("mail.test"), 1);
}

// From /etc/hosts, or without a line there.
TEST_F(ResolverTest, ThisMachineNeedsNoServer) {
  for (std::string name : {"localhost", "LocalHost.", "x.y.localhost"}) {
    EXPECT_THAT(ask(name), testing::Each(testing::AnyOf("127.0.0.1", "::1"))) << name;
    EXPECT_EQ(server.asked(name), 0);
  }
}

TEST_F(ResolverTest, AnIpv6OnlyNameIsAnAnswer) {
  server.tell("six.test", {.addresses = {"2001:db8::1"}});
  EXPECT_THAT(ask("six.test"), ElementsAre("2001:db8::1"));
}

TEST_F(ResolverTest, FailuresNameTheHostAndSayWhy) {
  server.tell("empty.test", {});
  server.tell("broken.test", {.rcode = 2});
  server.tell("silent.test", {.silent = true});
  EXPECT_THAT(ask("unknown.test"), ElementsAre("cannot resolve unknown.test: Domain name not found"));
  EXPECT_THAT(ask("empty.test"),
              ElementsAre(HasSubstr("cannot resolve empty.test: DNS server returned answer with no")));
  EXPECT_THAT(ask("broken.test"), ElementsAre(HasSubstr("cannot resolve broken.test: ")));
  EXPECT_THAT(ask("silent.test"), ElementsAre("cannot resolve silent.test: Timeout while contacting DNS servers"));
  EXPECT_THAT(known("unknown.test"), ElementsAre());
}

TEST_F(ResolverTest, NamesThatCannotBeAskedFor) {
  for (const std::string& name : {std::string(300, 'x'), std::string("a..b"), std::string()}) {
    EXPECT_THAT(ask(name), ElementsAre(HasSubstr("cannot resolve " + name + ": ")));
    ask_in_vain(name + "x.");
  }
  run_for(60);
}

TEST_F(ResolverTest, AServerThatIsGoneIsToldAtOnce) {
  settings.servers = {{"127.0.0.1", 1}};
  settings.timeout_ms = 60'000;
  restart();
  EXPECT_THAT(ask("mail.test"), ElementsAre(HasSubstr("Could not contact DNS servers")));
}

TEST_F(ResolverTest, TheSecondServerIsAskedWhenTheFirstIsSilent) {
  DnsServer silent;
  silent.tell("mail.test", {.silent = true});
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  settings.servers = {{"127.0.0.1", silent.port()}, {"127.0.0.1", server.port()}};
  restart();
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1"));
  EXPECT_EQ(silent.asked("mail.test"), 1);
}

TEST_F(ResolverTest, AnswersThatDoNotFitComeOverTcp) {
  DnsServer::Record many{.truncated = true};
  for (int i = 1; i <= 60; ++i) many.addresses.push_back("192.0.2." + std::to_string(i));
  server.tell("many.test", many);
  EXPECT_EQ(ask("many.test").size(), 60u);
  EXPECT_EQ(server.asked("many.test", true), 1);
}

// A name has at most 64 addresses for us: an attempt goes through them one after the other.
TEST_F(ResolverTest, AddressesWithoutEndAreCut) {
  DnsServer::Record many{.truncated = true};
  for (int i = 0; i < 2000; ++i)
    many.addresses.push_back("192.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  server.tell("many.test", many);
  EXPECT_EQ(ask("many.test").size(), 64u);
}

TEST_F(ResolverTest, AServerThatDropsAaaaIsNoFailure) {
  server.tell("mail.test", {.addresses = {"192.0.2.1"}, .silent_aaaa = true});
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, A38_ADeadNameCostsOnlyItself) {
  settings.timeout_ms = 4'000;
  settings.tries = 1;
  restart();
  std::vector<Ticket> waiting;
  int dead = 0;
  constexpr int kDead = 100;  // two questions each: what a socket holds until its reader wakes up on a busy machine
  for (int i = 0; i < kDead; ++i) {
    std::string name = "dead" + std::to_string(i) + ".test";
    server.tell(name, {.silent = true});
    waiting.push_back(resolver->resolve(name, [&](const Resolver::Answer&) { ++dead; }));
  }
  for (int i = 0; i < 20; ++i) {
    std::string name = "alive" + std::to_string(i) + ".test";
    server.tell(name, {.addresses = {"192.0.2.1"}});
    EXPECT_THAT(ask(name), ElementsAre("192.0.2.1"));
  }
  EXPECT_EQ(dead, 0) << "the living were answered after the dead had timed out";
  EXPECT_TRUE(run_until([&] { return dead == kDead; }));
}

TEST_F(ResolverTest, A38_OneQuestionHoweverManyAsk) {
  server.tell("mail.test", {.addresses = {"192.0.2.1"}, .delay_ms = 100});
  std::vector<Ticket> tickets;
  int answers = 0;
  for (int i = 0; i < 500; ++i) {
    tickets.push_back(resolver->resolve("mail.test", [&](const Resolver::Answer& answer) {
      EXPECT_THAT(shown(answer), ElementsAre("192.0.2.1"));
      ++answers;
    }));
    if (i % 100 == 0) turn();
  }
  EXPECT_TRUE(run_until([&] { return answers == 500; }));
  EXPECT_EQ(server.asked("mail.test"), 1);
}

TEST_F(ResolverTest, A38_FailuresAreRememberedBriefly) {
  settings.failure_ttl_ms = 1'000;
  settings.timeout_ms = 50;
  restart();
  server.tell("silent.test", {.silent = true});
  server.tell("broken.test", {.rcode = 5});
  for (std::string name : {"unknown.test", "silent.test", "broken.test"}) {
    std::vector<std::string> first = ask(name);
    int questions = server.asked(name);
    EXPECT_EQ(ask(name), first);
    EXPECT_EQ(server.asked(name), questions) << name;
    run_for(1'100);
    server.tell(name, {.addresses = {"192.0.2.9"}});
    EXPECT_THAT(ask(name), ElementsAre("192.0.2.9"));
  }
}

TEST_F(ResolverTest, A38_AnAnswerThatComesAfterItsAskersLeftIsKept) {
  server.tell("slow.test", {.addresses = {"192.0.2.1"}, .delay_ms = 100});
  ask_in_vain("slow.test");
  EXPECT_TRUE(run_until([&] { return !known("slow.test").empty(); }));
  EXPECT_EQ(server.asked("slow.test"), 1);
}

TEST_F(ResolverTest, A38_WhatIsOverServesAtOnceWhileItIsAskedFor) {
  settings.ttl_max_ms = 100;
  restart();
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  ask("mail.test");
  server.tell("mail.test", {.addresses = {"192.0.2.2"}, .delay_ms = 500});
  run_for(150);
  EXPECT_THAT(known("mail.test"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1"));
  EXPECT_TRUE(run_until([&] { return known("mail.test") == std::vector<std::string>{"192.0.2.2"}; }));
}

TEST_F(ResolverTest, A38_WhatIsLongOverServesOnlyIfNobodyAnswers) {
  settings.ttl_max_ms = 50;
  settings.refresh_ttl_ms = 0;
  restart();
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  ask("mail.test");
  run_for(100);
  server.tell("mail.test", {.addresses = {"192.0.2.2"}});
  EXPECT_THAT(known("mail.test"), ElementsAre());
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.2"));
  for (DnsServer::Record failure : {DnsServer::Record{.rcode = 2}, DnsServer::Record{.silent = true}}) {
    server.tell("mail.test", failure);
    run_for(100);
    EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.2"));
    EXPECT_THAT(known("mail.test"), ElementsAre("192.0.2.2")) << "for the time of a failure: at once";
    restart();
    server.tell("mail.test", {.addresses = {"192.0.2.2"}});
    ask("mail.test");
  }
}

TEST_F(ResolverTest, A38_NobodyWaitsForSilentServersIfThereIsAnOldAnswer) {
  settings.ttl_max_ms = 50;
  settings.refresh_ttl_ms = 0;
  settings.timeout_ms = 60'000;
  restart();
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  ask("mail.test");
  server.tell("mail.test", {.silent = true});
  run_for(100);
  uint64_t start_ms = clock_ms();
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1"));
  EXPECT_GE(clock_ms() - start_ms, 900u);
}

TEST_F(ResolverTest, A38_OldAnswersHaveTheirEnd) {
  settings.ttl_max_ms = 50;
  settings.stale_ttl_ms = 100;
  restart();
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  ask("mail.test");
  server.tell("mail.test", {.silent = true});
  run_for(200);
  EXPECT_THAT(known("mail.test"), ElementsAre());
  EXPECT_THAT(ask("mail.test"), ElementsAre(HasSubstr("cannot resolve mail.test: ")));
}

TEST_F(ResolverTest, A38_ANameThatIsGoneKeepsItsLastAddressesForATime) {
  settings.ttl_max_ms = 50;
  settings.refresh_ttl_ms = settings.failure_ttl_ms = 20;
  settings.stale_ttl_ms = 1'500;
  restart();
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  ask("mail.test");
  server.tell("mail.test", {.rcode = 3});
  run_for(100);
  const int asked_before = server.asked("mail.test");
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1")) << "though a server has just said no";
  EXPECT_GT(server.asked("mail.test"), asked_before);
  run_for(1'600);
  EXPECT_THAT(ask("mail.test"), ElementsAre(HasSubstr("not found")));
  server.tell("mail.test", {.addresses = {"192.0.2.2"}});
  run_for(50);
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.2"));
}

TEST_F(ResolverTest, A38_TheTtlIsHonoured) {
  settings.ttl_min_ms = 10;
  settings.refresh_ttl_ms = settings.stale_ttl_ms = 0;
  restart();
  server.tell("one.test", {.addresses = {"192.0.2.1"}, .ttl_s = 2});
  server.tell("alias.test", {.addresses = {"192.0.2.2"}, .ttl_s = 2, .alias = "canonical"});
  server.tell("zero.test", {.addresses = {"192.0.2.3"}, .ttl_s = 0});
  server.tell("long.test", {.addresses = {"192.0.2.4"}, .ttl_s = 100});
  for (std::string name : {"one.test", "alias.test", "long.test", "zero.test"}) ask(name);
  run_for(50);
  EXPECT_THAT(known("zero.test"), ElementsAre());
  EXPECT_THAT(known("one.test"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(known("alias.test"), ElementsAre("192.0.2.2"));
  run_for(2'050);
  EXPECT_THAT(known("one.test"), ElementsAre());
  EXPECT_THAT(known("alias.test"), ElementsAre()) << "the shortest of the chain counts";
  EXPECT_THAT(known("long.test"), ElementsAre("192.0.2.4"));
}

TEST_F(ResolverTest, A38_TheTtlHasAFloor) {
  settings.ttl_min_ms = 60'000;
  restart();
  server.tell("zero.test", {.addresses = {"192.0.2.1"}, .ttl_s = 0});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(ask("zero.test"), ElementsAre("192.0.2.1"));
    run_for(20);
  }
  EXPECT_EQ(server.asked("zero.test"), 1);
}

TEST_F(ResolverTest, A38_NamesInQuestionAreBounded) {
  settings.timeout_ms = 60'000;
  restart();
  for (size_t i = 0; i < Resolver::kNamesMax; ++i) ask_in_vain("n" + std::to_string(i) + ".silent");
  EXPECT_THAT(ask("one.more"), ElementsAre(HasSubstr("too many names")));
}

TEST_F(ResolverTest, A38_WhatIsNotInQuestionMakesRoom) {
  for (size_t i = 0; i < Resolver::kNamesMax; ++i)
    resolver->known("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  server.tell("mail.test", {.addresses = {"192.0.2.1"}});
  EXPECT_THAT(ask("mail.test"), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, CancelledQuestionsAreNotAnswered) {
  server.tell("mail.test", {.addresses = {"192.0.2.1"}, .delay_ms = 50});
  for (int i = 0; i < 20; ++i) ask_in_vain("mail.test");
  run_for(120);
}

TEST_F(ResolverTest, TheResolverMayGoBeforeTheAnswer) {
  server.tell("silent.test", {.silent = true});
  server.tell("many.test", {.truncated = true, .delay_ms = 100});
  for (std::string name : {"silent.test", "many.test", "localhost"}) {
    Ticket ticket = resolver->resolve(name, [](const Resolver::Answer&) { ADD_FAILURE() << "cancelled"; });
    if (name != "localhost") {
      EXPECT_TRUE(asked(name, 1));
    }
    restart();
  }
  run_for(120);
}

TEST_F(ResolverTest, AnAnswerMayDestroyItsTicketAndAskForMore) {
  server.tell("one.test", {.addresses = {"192.0.2.1"}});
  server.tell("two.test", {.addresses = {"192.0.2.2"}});
  std::optional<Ticket> ticket;
  bool answered = false;
  ticket.emplace(resolver->resolve("one.test", [&](const Resolver::Answer&) {
    ticket.reset();
    ticket.emplace(resolver->resolve("two.test", [&](const Resolver::Answer&) { answered = true; }));
  }));
  EXPECT_TRUE(run_until([&] { return answered; }));
}

}  // namespace
}  // namespace postigo
