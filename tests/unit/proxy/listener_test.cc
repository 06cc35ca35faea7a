// Listeners: what accepted connections inherit, one connection per turn, shared and exclusive ports, no descriptors
// left.
#include "proxy/net/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

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

TEST_F(ListenerTest, OneConnectionPerTurn) {
  for (int i = 0; i < 3; ++i) knock();
  for (size_t turns = 1; turns <= 3; ++turns) {
    turn();
    EXPECT_EQ(accepted_.size(), turns);
  }
}

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
