// Sockets that are not read for a while: whose reason it is, what is owed afterwards (T74), and ends that are noticed
// all the same (T72).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/unit/proxy/socket_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class SocketPause : public SocketTest, public testing::WithParamInterface<bool> {
 protected:
  void open() { GetParam() ? secure() : connect(); }
  void pause(Pause why) { there.socket->pause(why); }
  void unpause(Pause why) { there.socket->pause(why, false); }
  static long count(const Recorder& who, char what) { return std::count(who.order.begin(), who.order.end(), what); }
};

INSTANTIATE_TEST_SUITE_P(All, SocketPause, testing::Values(false, true),
                         [](const auto& each) { return each.param ? "Tls" : "ClearText"; });

TEST_P(SocketPause, NobodyResumesWhatSomebodyElsePaused) {
  open();
  pause(Pause::peer_full);
  pause(Pause::filter_waits);
  pause(Pause::filter_waits);
  here.socket->send("x");
  run_for(60);
  unpause(Pause::filter_waits);
  unpause(Pause::attempt);
  run_for(60);
  EXPECT_EQ(there.data, "");
  unpause(Pause::peer_full);
  EXPECT_EQ(there.data, "") << "told from inside the call";
  EXPECT_TRUE(run_until([&] { return there.data == "x"; }));
}

TEST_P(SocketPause, UnpauseAllLiftsEveryReason) {
  open();
  pause(Pause::peer_full);
  pause(Pause::attempt);
  here.socket->send("x");
  run_for(60);
  there.socket->unpause_all();
  EXPECT_TRUE(run_until([&] { return there.data == "x"; }));
}

// The edge came while the socket was paused, and there is no other: what is owed is read afterwards, to the last octet.
TEST_P(SocketPause, T74_APausedSocketOwesItselfARead) {
  open();
  pause(Pause::peer_full);
  std::string text = pattern(300'000);
  here.socket->send(text);
  run_for(60);
  unpause(Pause::peer_full);
  ASSERT_TRUE(run_until([&] { return there.data.size() >= text.size(); })) << there.data.size();
  EXPECT_TRUE(there.data == text);
}

TEST_P(SocketPause, T74_PausedAfterEveryCallNothingIsLost) {
  open();
  there.hook = [&](char what) {
    if (what == 'd') pause(Pause::peer_full);
  };
  std::string text = pattern(300'000);
  here.socket->send(text);
  here.socket->finish();
  ASSERT_TRUE(run_until([&] {
    unpause(Pause::peer_full);
    return there.told('e');
  }));
  EXPECT_TRUE(there.data == text);
  EXPECT_TRUE(there.clean);
}

// All of it and the end are told with one edge.
TEST_P(SocketPause, T74_AnEndThatComesAlongWithData) {
  open();
  std::string text = pattern(200'000);
  here.socket->send(text);
  here.socket->finish();
  while (!here.socket->finished()) loop.turn(true);
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_TRUE(there.data == text);
  EXPECT_EQ(count(there, 'e'), 1);
  EXPECT_EQ(count(there, 'a'), 0) << "nobody paused";
}

TEST_P(SocketPause, T72_AFinIsNoticedWhilePaused) {
  open();
  pause(Pause::filter_waits);
  here.socket->send("a1 LOGOUT\r\n");
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('a'); }));
  run_for(60);
  EXPECT_EQ(there.order.substr(there.order.find('a')), "a");
  EXPECT_EQ(there.data, "");
  unpause(Pause::filter_waits);
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_EQ(there.data, "a1 LOGOUT\r\n") << "what came before the end is not lost";
  EXPECT_TRUE(there.clean);
}

TEST_P(SocketPause, T72_AResetIsNoticedWhilePaused) {
  open();
  pause(Pause::attempt);
  here.socket->send("a1 LOGOUT\r\n");
  here.socket->reset_on_close();
  here.socket.reset();
  ASSERT_TRUE(run_until([&] { return there.told('b'); }));
  EXPECT_THAT(there.ending, HasSubstr("reset"));
  unpause(Pause::attempt);
  ASSERT_TRUE(run_until([&] { return there.told('f'); }));
  EXPECT_EQ(there.data, "a1 LOGOUT\r\n") << "what came before the reset may be read";
  EXPECT_FALSE(there.told('e')) << "a reset is no end";
}

// First it has shut down its writing side, then it is gone.
TEST_P(SocketPause, T72_AResetBehindAFinIsNoticedWhilePaused) {
  open();
  pause(Pause::peer_full);
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('a'); }));
  here.socket->reset_on_close();
  here.socket.reset();
  there.socket->send("too late");
  ASSERT_TRUE(run_until([&] {
    there.socket->send("too late");
    return there.told('b');
  }));
  EXPECT_EQ(count(there, 'a') + count(there, 'b'), 2);
}

// Half-closed and told so, then gone: only our own octets show it, and then at once.
TEST_P(SocketPause, T72_WhoHasEndedAndIsGoneIsLost) {
  open();
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  here.socket.reset();
  there.socket->send("an answer");
  ASSERT_TRUE(run_until([&] { return there.told('f'); }));
  EXPECT_EQ(there.order.substr(there.order.find('e')), "ef");
}

TEST_P(SocketPause, T72_AnEndThatWasKnownBeforeThePause) {
  open();
  there.hook = [&](char what) {
    if (what == 'd') pause(Pause::peer_full);
  };
  here.socket->send(pattern(60'000));
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('a'); }));
  EXPECT_LT(there.data.size(), 60'000u);
}

TEST_P(SocketPause, T72_LettingGoWhenAnEndIsNoticed) {
  for (bool reset : {false, true}) {
    here = {};
    there = {};
    open();
    pause(Pause::peer_full);
    there.hook = [&](char what) {
      EXPECT_TRUE(there.socket != nullptr || what == 'a' || what == 'b') << what;
      there.socket.reset();
    };
    if (reset) here.socket->reset_on_close();
    here.socket.reset();
    ASSERT_TRUE(run_until([&] { return there.socket == nullptr; })) << there.order;
    run_for(60);
    EXPECT_TRUE(there.order.ends_with(reset ? 'b' : 'a')) << there.order;
  }
}

// A39: whatever the peers send, one turn moves what its budget says, and who comes new is served in the next turn.
TEST_F(SocketTest, A39_ATurnMovesABoundedNumberOfOctets) {
  std::vector<std::unique_ptr<Recorder>> speakers, hearers;
  std::string text = pattern(2'000'000);
  for (int i = 0; i < 8; ++i) {
    connect();
    there.socket->set_read_size(Loop::kReceiveSize);
    there.socket->pause(Pause::peer_full);
    here.socket->send(text);
    for (auto* list : {&speakers, &hearers}) {
      Recorder& from = list == &speakers ? here : there;
      list->push_back(std::make_unique<Recorder>());
      list->back()->socket = std::move(from.socket);
      list->back()->socket->set_owner(*list->back());
      from = {};
    }
  }
  run_for(60);
  auto heard = [&] {
    size_t total = 0;
    for (auto& each : hearers) total += each->data.size();
    return total;
  };
  for (auto& each : hearers) each->socket->pause(Pause::peer_full, false);
  turn();  // the first one finds out who is large
  for (size_t before = heard(); before < 8 * text.size() / 2; before = heard()) {
    turn();
    ASSERT_LE(heard() - before, Loop::kOctetsPerTurn + Loop::kReceiveSize);
    size_t least = SIZE_MAX, most = 0;
    for (auto& each : hearers) {
      least = std::min(least, each->data.size());
      most = std::max(most, each->data.size());
    }
    // In turn, as far as the kernel has something for each: nobody waits until another has it all.
    ASSERT_TRUE(least > 0 || most <= 4 * Loop::kReceiveSize) << most;
  }
  here.socket = Socket::connect(loop, address, here);
  turn();
  turn();
  EXPECT_NE(there.socket, nullptr) << "accepted at once, whatever else there is to do";
  ASSERT_TRUE(run_until([&] { return heard() == 8 * text.size(); }));
  for (auto& each : hearers) EXPECT_TRUE(each->data == text);
}

// The connection breaks while octets of ours wait: what the peer said before is delivered first (a BYE, most likely).
TEST_F(SocketTest, T72_TheLastWordsBeforeAResetAreRead) {
  connect();
  here.socket->send(pattern(8'000'000));
  ASSERT_GT(here.socket->unsent(), 0u);
  Bytes bye = "* BYE too much\r\n";
  ASSERT_EQ(::send(there_fd, bye.data(), bye.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bye.size()));
  there.socket->reset_on_close();
  there.socket.reset();
  ASSERT_TRUE(run_until([&] { return here.told('f') || here.told('e'); }));
  EXPECT_EQ(here.data, bye);
  EXPECT_FALSE(here.told('e'));
}

TEST_F(SocketTest, T72_AWriteThatFailsDoesNotHideWhatWasSaid) {
  connect();
  Bytes bye = "* BYE too much\r\n";
  ASSERT_EQ(::send(there_fd, bye.data(), bye.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bye.size()));
  there.socket->reset_on_close();
  there.socket.reset();
  here.socket->send("a1 NOOP\r\n");  // before the loop has told of anything
  ASSERT_TRUE(run_until([&] { return here.told('f') || here.told('e'); }));
  EXPECT_EQ(here.data, bye);
  EXPECT_FALSE(here.told('e')) << "a reset is no end, also if writing was told of it";
}

}  // namespace
}  // namespace postigo
