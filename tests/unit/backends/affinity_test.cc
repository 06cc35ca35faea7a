// Who of a user comes to which backend: logins at the same moment, sessions, lapses, moves; and what it costs.
#include "backends/ledger/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "backends/ledger/bonds_text.h"

namespace postigo {
namespace {

using Bond = Affinity::Bond;
using Slot = Affinity::Slot;

constexpr uint64_t kLapseMs = 15 * 60'000;
constexpr SipKey kKey = sip_key("0123456789abcdef");

bool anywhere(Slot) { return true; }
bool nowhere(Slot) { return false; }

class AffinityTest : public testing::Test {
 protected:
  Bond bind(Bytes user, Slot choice) { return affinity_.bind(user, choice, kLapseMs, anywhere); }
  Bond in(Bytes user, Slot choice) {
    Bond bond = bind(user, choice);
    EXPECT_TRUE(bond.settle());
    return bond;
  }

  uint64_t now_ms_ = 1'000;
  Affinity affinity_{1'000, kKey, [this] { return now_ms_; }};
};

TEST_F(AffinityTest, TheFirstLoginDecidesAndAllOthersFollow) {
  Bond first = bind("alice", 3);
  Bond second = bind("alice", 7);  // before the first one is in
  EXPECT_EQ(first.backend(), 3u);
  EXPECT_EQ(second.backend(), 3u);
  EXPECT_TRUE(second.settle());
  EXPECT_TRUE(first.settle());
  EXPECT_EQ(bind("alice", 7).backend(), 3u);
  EXPECT_EQ(bind("bob", 7).backend(), 7u);
  EXPECT_EQ(affinity_.redirected(), 2u);
}

TEST_F(AffinityTest, ItOutlivesTheLastSessionForItsTime) {
  Bond one = in("alice", 3);
  Bond two = in("alice", 4);
  now_ms_ += 10 * kLapseMs;
  one.release();
  two.release();
  now_ms_ += kLapseMs - 1;
  EXPECT_EQ(bind("alice", 4).backend(), 3u);  // and that login does not come in
  now_ms_ += 1;
  EXPECT_EQ(bind("alice", 4).backend(), 4u);
}

TEST_F(AffinityTest, WhoNeverCameInLeavesNothing) {
  bind("alice", 3);
  EXPECT_FALSE(affinity_.look("alice"));
  EXPECT_EQ(affinity_.users(), 0u);
  in("alice", 5);
  bind("alice", 3).release();
  EXPECT_EQ(affinity_.look("alice")->lapses_in_ms, kLapseMs);
  now_ms_ += kLapseMs / 2;
  bind("alice", 3).release();
  EXPECT_EQ(affinity_.look("alice")->lapses_in_ms, kLapseMs / 2);
}

TEST_F(AffinityTest, WithoutASessionHeStaysOnlyWhereHeMay) {
  in("alice", 3);
  EXPECT_EQ(affinity_.bind("alice", 4, kLapseMs, nowhere).backend(), 4u);
  Bond open = in("bob", 3);
  EXPECT_EQ(affinity_.bind("bob", 4, kLapseMs, nowhere).backend(), 3u);
}

TEST_F(AffinityTest, GuessesDoNotHoldSomebodyWhereHeIsNotToStay) {
  Bond guess = bind("alice", 3);
  Bond login = affinity_.bind("alice", 4, kLapseMs, nowhere);
  EXPECT_EQ(login.backend(), 4u);
  EXPECT_TRUE(login.settle());
  EXPECT_FALSE(guess.settle());
}

TEST_F(AffinityTest, ALoginThatCannotReachItMovesTheUserIfNoSessionIsThere) {
  Bond one = bind("alice", 3);
  Bond two = bind("alice", 3);
  EXPECT_TRUE(one.move(4));
  EXPECT_EQ(one.backend(), 4u);
  EXPECT_TRUE(two.move(5));  // it goes where the other one went
  EXPECT_EQ(two.backend(), 4u);
  EXPECT_TRUE(one.settle());
  EXPECT_FALSE(two.move(5));
  EXPECT_TRUE(two.shared());
  EXPECT_EQ(affinity_.look("alice")->backend, 4u);
  EXPECT_EQ(affinity_.moved(), 1u);
}

// The backend answers one of two logins and not the other: whoever is in first counts, and the other one follows.
TEST_F(AffinityTest, ALoginThatWasLeftBehindHasToFollow) {
  Bond slow = bind("alice", 3);
  Bond fast = bind("alice", 3);
  EXPECT_TRUE(fast.move(4));
  EXPECT_TRUE(fast.settle());
  EXPECT_FALSE(slow.settle());
  EXPECT_EQ(slow.backend(), 4u);
  EXPECT_TRUE(slow.settle());
  EXPECT_EQ(affinity_.look("alice")->sessions, 2u);
}

TEST_F(AffinityTest, OperatorsCanMakeItForgetWhoHasNoSession) {
  Bond open = in("alice", 3);
  EXPECT_FALSE(affinity_.forget("alice"));
  open.release();
  EXPECT_TRUE(affinity_.forget("alice"));
  EXPECT_EQ(bind("alice", 4).backend(), 4u);
  EXPECT_TRUE(affinity_.forget("nobody"));
}

TEST_F(AffinityTest, NamesAreComparedWhole) {
  std::string zero("alice\0", 6);
  Bond open = in("alice", 3);
  for (Bytes other : {Bytes("alice "), Bytes("alic"), Bytes(zero), Bytes("")}) EXPECT_EQ(bind(other, 4).backend(), 4u);
}

TEST_F(AffinityTest, FullOfSessionsALoginGoesOnWithoutABond) {
  Affinity small(64, kKey, [this] { return now_ms_; });
  std::vector<Bond> bonds;
  for (int i = 0; i < 1000; ++i) {
    Bond bond = small.bind("user" + std::to_string(i), 1, kLapseMs, anywhere);
    EXPECT_TRUE(bond.settle());
    if (bond) bonds.push_back(std::move(bond));
  }
  EXPECT_LE(small.users(), 64u);
  EXPECT_EQ(small.unbound(), 1000 - bonds.size());
  bonds.clear();
  EXPECT_TRUE(small.bind("late", 1, kLapseMs, anywhere)) << "those without a session make room";
}

TEST_F(AffinityTest, AVisitShowsAllAndForgetsWhoHasLapsed) {
  Bond open = in("open", 1);
  in("spare", 2);
  auto shown = [&] {
    std::vector<std::string> rows;
    for (size_t i = 0; i < affinity_.stripes(); ++i) {
      affinity_.visit(i, [&](Bytes user, const Affinity::Known& known) {
        rows.push_back(std::string(user) + "@" + std::to_string(known.backend));
      });
    }
    return rows;
  };
  EXPECT_THAT(shown(), testing::UnorderedElementsAre("open@1", "spare@2"));
  now_ms_ += kLapseMs;
  EXPECT_EQ(affinity_.users(), 2u);
  EXPECT_THAT(shown(), testing::UnorderedElementsAre("open@1"));
  EXPECT_EQ(affinity_.users(), 1u);
}

TEST_F(AffinityTest, APredecessorsWordCountsUntilThisProcessKnowsBetter) {
  Bond open = in("alice", 3);
  affinity_.adopt("alice", 9, kLapseMs);
  affinity_.adopt("bob", 9, kLapseMs);
  EXPECT_EQ(bind("alice", 4).backend(), 3u);
  EXPECT_EQ(bind("bob", 4).backend(), 9u);
  now_ms_ += kLapseMs;
  EXPECT_EQ(bind("bob", 4).backend(), 4u);
}

TEST_F(AffinityTest, BondsGoToAnotherProcess) {
  Bond open = in("alice", 1);
  in("bob", 0);
  in(Bytes("odd\0:name\n", 10), 1);
  Bond guess = bind("eve", 1);
  const std::string text = bonds_text(affinity_, {"a", "b"}, 60'000, 5'000);
  Affinity other(1'000, kKey, [this] { return now_ms_; });
  auto slot_of = [](std::string_view name) { return name == "b" ? std::optional<Slot>(9) : std::nullopt; };
  adopt_bonds(other, text, slot_of);
  ASSERT_TRUE(other.look("alice"));
  EXPECT_EQ(other.look("alice")->backend, 9u);
  EXPECT_EQ(other.look("alice")->lapses_in_ms, 65'000u);
  EXPECT_EQ(other.look(Bytes("odd\0:name\n", 10))->lapses_in_ms, kLapseMs);
  EXPECT_FALSE(other.look("bob")) << "nobody knows his backend";
  EXPECT_FALSE(other.look("eve"));
  for (size_t cut = 0; cut < text.size(); ++cut) {  // whatever a program of another version may have written
    Affinity part(1'000, kKey, [this] { return now_ms_; });
    adopt_bonds(part, std::string_view(text).substr(0, cut), slot_of);
    adopt_bonds(part, std::string_view(text).substr(cut), slot_of);
    EXPECT_LE(part.users(), 2u);
  }
}

TEST_F(AffinityTest, ABondIsGivenBackOnceWhereverItWent) {
  Bond one = in("alice", 3);
  Bond two = std::move(one);
  one.release();
  EXPECT_EQ(affinity_.look("alice")->sessions, 1u);
  two = in("bob", 4);
  EXPECT_EQ(affinity_.look("alice")->sessions, 0u);
  EXPECT_EQ(affinity_.look("bob")->sessions, 1u);
}

// Two threads log users in, move them and let them go: nobody is ever in at two backends, and all is given back.
TEST_F(AffinityTest, ManyThreadsAgree) {
  constexpr size_t kUsers = 8;
  std::array<std::array<std::atomic<int>, 4>, kUsers> at{};
  std::atomic<int> apart{0}, wrong{0};
  auto work = [&](uint64_t seed) {
    for (uint64_t i = 0; i < 40'000; ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const size_t user = (seed >> 33) % kUsers;
      Bond bond = bind("user" + std::to_string(user), (seed >> 40) % 4);
      if ((seed >> 50) % 4 == 0) bond.move((seed >> 42) % 4);
      if (!bond.settle() && !bond.settle()) continue;
      const Slot here = bond.backend();
      ++at[user][here];
      int places = 0;
      for (auto& each : at[user]) places += each > 0 ? 1 : 0;
      if (places > 1) ++apart;
      if (affinity_.look("user" + std::to_string(user))->backend != here) ++wrong;
      --at[user][here];
    }
  };
  std::thread one(work, 1), two(work, 2);
  one.join();
  two.join();
  EXPECT_EQ(apart, 0);
  EXPECT_EQ(wrong, 0);
  for (size_t i = 0; i < kUsers; ++i) {
    auto known = affinity_.look("user" + std::to_string(i));
    EXPECT_TRUE(!known || known->sessions + known->logins == 0);
  }
}

// 1 M users in less than 150 MB.
TEST_F(AffinityTest, AMillionUsersAreSmall) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  Affinity large(1'100'000, kKey, [this] { return now_ms_; });
  for (int i = 0; i < 1'000'000; ++i) {
    EXPECT_TRUE(large.bind("some.user." + std::to_string(i) + "@mail.example.com", 1, kLapseMs, anywhere).settle());
  }
  EXPECT_EQ(large.users(), 1'000'000u);
  EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd - before, 150'000'000u);
}

// A26: names of strangers are hashed with a key of this process, so that nobody can choose those that collide.
TEST_F(AffinityTest, A26_UsersThatCollideForOneKeyDoNotForAnother) {
  Affinity one(100'000, sip_key("one key of 16 oc"), [this] { return now_ms_; });
  std::vector<std::string> together;  // all of them in one stripe of that key
  for (int i = 0; together.size() < 500; ++i) {
    std::string name = "user" + std::to_string(i);
    if (siphash(sip_key("one key of 16 oc"), name) % one.stripes() == 0) together.push_back(name);
  }
  auto stripes_with = [&](Affinity& table) {
    for (const std::string& name : together) table.bind(name, 1, kLapseMs, anywhere).settle();
    size_t used = 0;
    for (size_t i = 0; i < table.stripes(); ++i) {
      bool any = false;
      table.visit(i, [&](Bytes, const Affinity::Known&) { any = true; });
      used += any ? 1 : 0;
    }
    return used;
  };
  Affinity other(100'000, sip_key("another key, 16o"), [this] { return now_ms_; });
  EXPECT_EQ(stripes_with(one), 1u);
  EXPECT_EQ(stripes_with(other), other.stripes());
}

}  // namespace
}  // namespace postigo
