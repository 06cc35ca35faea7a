// Names to addresses: literals without asking anybody, names asynchronously and remembered, cancellation at any time.
#include "proxy/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

class ResolverTest : public LoopTest {
 protected:
  Resolver::Answer ask(const std::string& host) {
    std::optional<Resolver::Answer> answer;
    Ticket ticket = resolver.resolve(host, [&](Resolver::Answer got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "never from inside resolve()";
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return answer ? std::move(*answer) : fail("no answer at all");
  }

  Resolver resolver{loop};
};

TEST_F(ResolverTest, LiteralsAreKnownAtOnce) {
  for (std::string literal : {"192.0.2.1", "2001:db8::1", "::1"}) {
    const std::vector<Address>* known = resolver.known(literal);
    ASSERT_NE(known, nullptr) << literal;
    ASSERT_EQ(known->size(), 1u);
    EXPECT_EQ(known->front().host(), literal);
    auto asked = ask(literal);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->front().host(), literal);
  }
}

TEST_F(ResolverTest, NamesAreAskedForAndRemembered) {
  EXPECT_EQ(resolver.known("localhost"), nullptr);
  auto answer = ask("localhost");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  ASSERT_FALSE(answer->empty());
  for (const Address& address : *answer) EXPECT_THAT(address.host(), testing::AnyOf("127.0.0.1", "::1"));
  const std::vector<Address>* known = resolver.known("localhost");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->size(), answer->size());
}

TEST_F(ResolverTest, UnknownNamesAreAnErrorThatNamesThem) {
  auto answer = ask("no-such-host.invalid");
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, testing::StartsWith("cannot resolve no-such-host.invalid: "));
  EXPECT_EQ(resolver.known("no-such-host.invalid"), nullptr);
}

// libuv refuses these before it asks; the refusal still comes on a later turn.
TEST_F(ResolverTest, NamesThatCannotBeAskedFor) {
  std::string endless(300, 'x');
  auto answer = ask(endless);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, testing::HasSubstr(endless));
  {
    Ticket dropped = resolver.resolve(endless, [](const Resolver::Answer&) { ADD_FAILURE() << "cancelled"; });
  }
  run_for(60);
}

TEST_F(ResolverTest, CancelledQuestionsAreNotAnswered) {
  for (int i = 0; i < 20; ++i) {  // more than libuv's threads: some are running, some are waiting
    Ticket dropped = resolver.resolve("localhost", [](const Resolver::Answer&) { ADD_FAILURE() << "cancelled"; });
  }
  run_for(120);
}

TEST_F(ResolverTest, TheResolverMayGoBeforeTheAnswer) {
  auto gone = std::make_unique<Resolver>(loop);
  {
    Ticket ticket = gone->resolve("localhost", [](const Resolver::Answer&) { ADD_FAILURE() << "cancelled"; });
    gone.reset();
  }
  run_for(120);
}

TEST_F(ResolverTest, AnAnswerMayDestroyItsTicket) {
  std::optional<Ticket> ticket;
  bool answered = false;
  ticket.emplace(resolver.resolve("localhost", [&](const Resolver::Answer&) {
    ticket.reset();
    answered = true;
  }));
  EXPECT_TRUE(run_until([&] { return answered; }));
}

}  // namespace
}  // namespace postigo
