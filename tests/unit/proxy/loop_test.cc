// The reactor's promises: nothing runs inside the call that asked for it, the dead live to the end of the turn, who has
// closed hears nothing, and what leaks is told.
#include "proxy/net/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

// One end of a pair, told of what happens.
struct Ear : Watched {
  explicit Ear(std::function<void(Ear&)> what) : heard(std::move(what)) {}
  void ready(uint32_t) override { heard(*this); }
  void resume() override { resumed = true; }
  std::function<void(Ear&)> heard;
  bool resumed = false;
};

class LoopTurn : public LoopTest {
 protected:
  // Watched, with something to read.
  int speaking(Watched& who, uint32_t events = EPOLLIN | EPOLLET) {
    std::array<int, 2> pair;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    EXPECT_EQ(loop.watch(pair[0], who, events), 0);
    EXPECT_EQ(::write(pair[1], "x", 1), 1);
    others_.push_back(pair[1]);
    return pair[0];
  }
  void TearDown() override {
    for (int fd : others_) close(fd);
    LoopTest::TearDown();
  }
  std::vector<int> others_;
};

TEST_F(LoopTurn, AnEdgeIsToldOnce) {
  int heard = 0;
  Ear ear([&](Ear&) { ++heard; });
  int fd = speaking(ear);
  turn();
  turn();
  EXPECT_EQ(heard, 1);
  loop.watch_again(fd, ear, EPOLLIN | EPOLLET);
  turn();
  EXPECT_EQ(heard, 2) << "registering again tells what is true";
  loop.close_watched(fd);
}

TEST_F(LoopTurn, WhoHasClosedHearsNothing) {
  std::array<int, 2> fds{};
  std::array<int, 2> heard{};
  std::array<std::unique_ptr<Ear>, 2> ears;
  for (size_t i = 0; i < 2; ++i) {
    ears[i] = std::make_unique<Ear>([&, i](Ear&) {
      ++heard[i];
      size_t other = 1 - i;
      if (ears[other] == nullptr) return;
      loop.close_watched(fds[other]);
      ears[other]->heard = [](Ear&) {};  // what a Socket does by forgetting its owner
      loop.bury(std::move(ears[other]));
    });
    fds[i] = speaking(*ears[i]);
  }
  turn();  // both are ready in it; the second is told as a corpse, and that must be harmless
  EXPECT_EQ(heard[0] + heard[1], 1);
  loop.close_watched(ears[0] != nullptr ? fds[0] : fds[1]);
}

TEST_F(LoopTurn, TheDeadLiveToTheEndOfTheTurn) {
  struct Mourned {
    bool& gone;
    ~Mourned() { gone = true; }
  };
  bool gone = false;
  loop.defer([&] {
    loop.bury(std::unique_ptr<Mourned>(new Mourned{gone}));
    EXPECT_FALSE(gone);
  });
  EXPECT_FALSE(gone);
  turn();
  EXPECT_TRUE(gone);
}

TEST_F(LoopTurn, SoonAndDeferAreNeverInside) {
  Ear ear([](Ear&) {});
  bool ran = false;
  loop.soon(ear);
  loop.defer([&] { ran = true; });
  EXPECT_FALSE(ear.resumed || ran);
  turn();
  EXPECT_TRUE(ear.resumed && ran);
  ear.resumed = false;
  {
    Ear gone([](Ear&) {});
    loop.soon(gone);
  }
  turn();  // an ear that is gone is not called
  EXPECT_FALSE(ear.resumed);
}

TEST_F(LoopTurn, WhatIsDeferredMeanwhileWaitsForTheNextTurn) {
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns < 3) loop.defer(again);
  };
  loop.defer(again);
  turn();
  EXPECT_EQ(turns, 1);
  turn();
  turn();
  EXPECT_EQ(turns, 3);
}

// A copy of the descriptor keeps the open file, and with it the registration: a child between fork and exec has one.
TEST_F(LoopTurn, WhoHasClosedHearsNothingThroughACopyEither) {
  int heard = 0;
  Ear ear([&](Ear&) { ++heard; });
  int fd = speaking(ear);
  int copy = dup(fd);
  loop.close_watched(fd);
  EXPECT_EQ(::write(others_.back(), "y", 1), 1);
  turn();
  EXPECT_EQ(heard, 0) << "a corpse was told";
  close(copy);
}

TEST_F(LoopTurn, AFileThatCannotBeWatchedIsNotCounted) {
  Ear ear([](Ear&) {});
  FILE* file = tmpfile();  // a regular file
  EXPECT_EQ(loop.watch(fileno(file), ear, EPOLLIN), -EPERM);
  fclose(file);
}  // Loop::close() says whether the count is right

// Large work: moves so many octets each time, and always has more.
struct Mover : Watched {
  Mover(Loop& in, size_t each) : loop(in), octets(each) {}
  void ready(uint32_t) override {}
  void in_turn() override {
    ++count;
    loop.moved(octets);
    if (count < 1000) loop.take_turn(*this);
  }
  Loop& loop;
  size_t octets;
  int count = 0;
};

TEST_F(LoopTurn, A39_BulkStopsWhereTheOctetsOfTheTurnEnd) {
  std::vector<std::unique_ptr<Mover>> movers;
  for (int i = 0; i < 16; ++i) movers.push_back(std::make_unique<Mover>(loop, Loop::kOctetsPerTurn / 2));
  for (auto& each : movers) loop.take_turn(*each);
  for (int turns = 1; turns <= 24; ++turns) {
    turn();
    int total = 0;
    for (auto& each : movers) total += each->count;
    EXPECT_EQ(total, turns * 2);
  }
  for (auto& each : movers) EXPECT_EQ(each->count, 3) << "first come, first served";
}

TEST_F(LoopTurn, A39_BulkIsNotStarvedBySmallSessions) {
  auto bulk = std::make_unique<Mover>(loop, 1);
  loop.take_turn(*bulk);
  Ear small([&](Ear&) { loop.moved(Loop::kOctetsPerTurn); });
  for (int i = 1; i <= 3; ++i) {
    int fd = speaking(small);
    turn();
    EXPECT_EQ(bulk->count, i);
    loop.close_watched(fd);
  }
}

TEST_F(LoopTurn, A39_AskingTwiceKeepsThePlace) {
  auto first = std::make_unique<Mover>(loop, Loop::kOctetsPerTurn);
  auto second = std::make_unique<Mover>(loop, Loop::kOctetsPerTurn);
  loop.take_turn(*first);
  loop.take_turn(*second);
  loop.take_turn(*first);
  turn();
  EXPECT_EQ(first->count, 1);
  EXPECT_EQ(second->count, 0);
}

TEST(LoopEnd, ADescriptorThatLeaksIsTold) {
  Loop loop{nullptr};
  Ear ear([](Ear&) {});
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(loop.watch(fd, ear, EPOLLIN), 0);
  loop.stop();
  loop.run();
  EXPECT_EQ(loop.close(), UV_EBUSY);
  close(fd);
}

}  // namespace
}  // namespace postigo
