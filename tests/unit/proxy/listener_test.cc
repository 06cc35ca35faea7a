// Listeners: what accepted connections inherit, how many in one turn, shared and exclusive ports, no descriptors
// left.
#include "proxy/net/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "proxy/base/events.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class ListenerTest : public LoopTest, protected Listener::Owner {
 protected:
  void SetUp() override { listener_ = open(*Address::parse("127.0.0.1", 0), true); }
  void TearDown() override {
    for (int fd : clients_) close(fd);
    for (int fd : accepted_) close(fd);
    listener_.reset();
    LoopTest::TearDown();
  }

  Listener::Ptr open(const Address& address, bool exclusive) {
    auto listener = Listener::open(loop, address, exclusive, *this);
    failure_ = listener ? "" : listener.error().message;
    return listener ? std::move(*listener) : nullptr;
  }
  void knock() {
    Address to = listener_->address();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(connect(fd, to.get(), to.size()), 0);
    clients_.push_back(fd);
  }
  static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    getsockopt(fd, level, name, &value, &size);
    return value;
  }

  Listener::Ptr listener_;
  std::string failure_;
  std::vector<int> clients_, accepted_;
  std::string peer_;

 private:
  void on_accepted(Listener&, int fd, const Address& peer) override {
    accepted_.push_back(fd);
    peer_ = peer.text();
  }
};

TEST_F(ListenerTest, T61_ConnectionsInheritTheirOptions) {
  knock();
  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }));
  int fd = accepted_.front();
  EXPECT_EQ(option(fd, SOL_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, SOL_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option(fd, SOL_TCP, TCP_KEEPINTVL), 15);
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  Address local;
  socklen_t size = Address::kSizeMax;
  getsockname(clients_.front(), local.data(), &size);
  EXPECT_EQ(peer_, local.text());
}

// A39: a storm is let in ever faster, but never without bound in one turn; a quiet turn costs one call.
TEST_F(ListenerTest, A39_SeveralConnectionsInTurnsThatFollowEachOther) {
  for (int i = 0; i < 60; ++i) knock();
  size_t before = 0;
  for (size_t expected : {1u, 2u, 4u, 8u, 8u, 8u, 8u, 8u, 8u, 5u}) {
    turn();
    EXPECT_EQ(accepted_.size() - before, expected);
    before = accepted_.size();
  }
  knock();
  knock();
  turn();  // nobody was at the door in the turn before
  turn();
  EXPECT_EQ(accepted_.size(), 62u);
}

// When the kernel does not let us watch, the error is told and nothing is left behind, nor counted as closed.
TEST_F(ListenerTest, ADoorThatCannotBeWatched) {
  int polled = -1;  // the loop's own
  for (int fd = 0; fd < 256; ++fd) {
    std::array<char, 64> target{};
    std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(link.c_str(), target.data(), target.size() - 1) > 0 &&
        std::string(target.data()) == "anon_inode:[eventpoll]") {
      polled = fd;
      int kept = dup(polled);
      int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      dup2(other, polled);
      Listener::Ptr door = open(*Address::parse("127.0.0.1", 0), false);
      dup2(kept, polled);
      close(kept);
      close(other);
      if (door == nullptr) break;
    }
  }
  ASSERT_GE(polled, 0);
  EXPECT_THAT(failure_, testing::MatchesRegex("cannot listen on 127\\.0\\.0\\.1:[0-9]+: .+"));
}  // TearDown: Loop::close() says whether the count of descriptors is right

TEST_F(ListenerTest, APortIsSharedOnlyOnPurpose) {
  Address same = listener_->address();
  Listener::Ptr worker = open(same, false);
  EXPECT_NE(worker, nullptr) << failure_;
  EXPECT_EQ(open(same, true), nullptr);
  EXPECT_THAT(failure_, HasSubstr("cannot listen on " + same.text() + ": address already in use"));
}

// The sanitizer needs descriptors too when it meets a type for the first time: all paths are walked once before.
TEST_F(ListenerTest, WithoutDescriptorsItRestsAndComesBack) {
  log::write(events::listener_rests, {{"detail", "a test line"}});
  knock();
  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }));
  run_for(TimerWheel::kTickMs);
  knock();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  int next = dup(0);
  close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  setrlimit(RLIMIT_NOFILE, &none);
  Loop& same = loop;
  int turns = 0;
  for (uint64_t until = clock_ms() + 120; clock_ms() < until; ++turns) same.turn(true);
  EXPECT_LT(turns, 10) << "it spins: the connection that waits keeps waking it";
  setrlimit(RLIMIT_NOFILE, &before);
  turn();
  EXPECT_EQ(accepted_.size(), 1u) << "it rests";
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 2; }));
}

}  // namespace
}  // namespace postigo
