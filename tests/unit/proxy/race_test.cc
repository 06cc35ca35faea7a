// Several addresses of one name: which is tried when, and what becomes of those that lose.
#include "proxy/net/race.h"

#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <utility>

#include "tests/unit/proxy/loop_fixture.h"
#include "tests/unit/proxy/peers.h"

namespace postigo {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<Address>& addresses) {
  std::vector<std::string> all;
  for (const Address& each : addresses) all.push_back(each.host());
  return all;
}

Address at(const std::string& host, uint16_t port = 0) { return *Address::parse(host, port); }

TEST(ByTurns, TheFamiliesTakeTurnsAndKeepTheirOrder) {
  EXPECT_THAT(texts(by_turns({at("::1"), at("::2"), at("::3"), at("10.0.0.1"), at("10.0.0.2")})),
              ElementsAre("::1", "10.0.0.1", "::2", "10.0.0.2", "::3"));
  EXPECT_THAT(texts(by_turns({at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3"), at("::1")})),
              ElementsAre("10.0.0.1", "::1", "10.0.0.2", "10.0.0.3"));
  EXPECT_THAT(texts(by_turns({at("::2"), at("::1"), at("::3")})), ElementsAre("::2", "::1", "::3"));
  EXPECT_TRUE(by_turns({}).empty());
}

// A port whose queue is full: the kernel drops who knocks there, without a word.
class Silent {
 public:
  Silent() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 0), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int& knocker : knockers_) {
      knocker = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(knocker, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
  }
  ~Silent() {
    for (int knocker : knockers_) ::close(knocker);
    ::close(fd_);
  }
  Silent(const Silent&) = delete;
  uint16_t port() const { return port_; }

 private:
  int fd_;
  uint16_t port_;
  std::array<int, 4> knockers_{};
};

class RaceTest : public LoopTest, public Race::Client {
 protected:
  void race_won(SocketPtr socket) override { won = std::move(socket); }
  void race_lost(int begun, const std::string& why) override {
    lost = true;
    lost_begun = begun;
    lost_why = why;
  }
  void start(std::vector<Address> addresses) {
    race.start(std::move(addresses));
    EXPECT_TRUE(won == nullptr && !lost) << "nothing is told from inside start()";
  }
  void TearDown() override {
    won.reset();
    race.stop();
    LoopTest::TearDown();
  }

  std::vector<uint16_t> tried;  // ports
  Race race{loop, *this, [this](const Address& to) {
              tried.push_back(to.port());
              return to.port() == 1 ? -EADDRNOTAVAIL : Socket::begin(to);
            }};
  SocketPtr won;
  bool lost = false;
  int lost_begun = 0;
  std::string lost_why;
  Port open{true}, closed{false};
  Silent silent;
};

TEST_F(RaceTest, TheFirstThatAnswersIsEnough) {
  start({at("127.0.0.1", open.number()), at("127.0.0.1", closed.number())});
  ASSERT_TRUE(run_until([this] { return won != nullptr; }));
  run_for(2 * Race::kNextMs);
  EXPECT_THAT(tried, ElementsAre(open.number()));
  EXPECT_FALSE(lost);
}

TEST_F(RaceTest, OneThatRefusesIsPassedOver) {
  start({at("127.0.0.1", closed.number()), at("127.0.0.1", open.number())});
  EXPECT_TRUE(run_until([this] { return won != nullptr; }));
  EXPECT_FALSE(lost);
}

TEST_F(RaceTest, OneThatSaysNothingIsWaitedForAMomentAndLosesItsConnection) {
  const uint64_t began_ms = clock_ms();
  start({at("127.0.0.1", silent.port()), at("127.0.0.1", open.number())});
  ASSERT_TRUE(run_until([this] { return won != nullptr; }));
  EXPECT_GE(clock_ms() - began_ms, Race::kNextMs - TimerWheel::kTickMs);
  EXPECT_THAT(tried, ElementsAre(silent.port(), open.number()));
}

// The time of the one that has refused is over when it is.
TEST_F(RaceTest, OneThatRefusesAndALastOneThatSaysNothing) {
  start({at("127.0.0.1", closed.number()), at("127.0.0.1", silent.port())});
  run_for(3 * Race::kNextMs);
  EXPECT_THAT(tried, ElementsAre(closed.number(), silent.port()));
  EXPECT_FALSE(lost);
}

// It may still win while the next one is on its way.
TEST_F(RaceTest, AllThatAreUnderWayMayWin) {
  start({at("127.0.0.1", silent.port()), at("127.0.0.1", silent.port()), at("127.0.0.1", open.number())});
  EXPECT_TRUE(run_until([this] { return won != nullptr; }));
  EXPECT_EQ(tried.size(), 3U);
}

TEST_F(RaceTest, IfAllFailTheNewestFailureIsTold) {
  start({at("127.0.0.1", closed.number()), at("127.0.0.1", 1)});
  ASSERT_TRUE(run_until([this] { return lost; }));
  EXPECT_EQ(lost_begun, -EADDRNOTAVAIL);
}

TEST_F(RaceTest, ItIsNotLostWhileOneIsUnderWay) {
  start({at("127.0.0.1", silent.port()), at("127.0.0.1", closed.number())});
  run_for(3 * Race::kNextMs);
  EXPECT_EQ(tried.size(), 2U);
  EXPECT_FALSE(lost);
}

TEST_F(RaceTest, StoppedItTellsNothingAndLeavesNothing) {
  start({at("127.0.0.1", closed.number()), at("127.0.0.1", open.number())});
  race.stop();
  run_for(2 * Race::kNextMs);
  EXPECT_FALSE(lost);
  EXPECT_EQ(won, nullptr);
  EXPECT_EQ(tried.size(), 1U);
}

}  // namespace
}  // namespace postigo
