// Bonds in memory: what the control thread does with them, how many there may be, and what they cost. Not here: what
// every ledger promises (ledger_contract_test.cc).
#include "backends/ledger/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "backends/ledger/bonds_text.h"
#include "tests/unit/backends/ledger_row.h"

namespace postigo {
namespace {

using Bond = Bonds::Bond;
using Slot = Bonds::Slot;

constexpr uint64_t kLapseMs = 15 * 60'000;
constexpr SipKey kKey = sip_key("0123456789abcdef");

class AffinityTest : public testing::Test {
 protected:
  Bond bind(Bytes user, Slot choice) { return bound(affinity_, user, choice, kLapseMs); }
  Bond in(Bytes user, Slot choice) {
    Bond bond = bind(user, choice);
    EXPECT_TRUE(settled(bond));
    return bond;
  }

  uint64_t now_ms_ = 1'000;
  Affinity affinity_{1'000, kKey, [this] { return now_ms_; }};
};

TEST_F(AffinityTest, OperatorsCanMakeItForgetWhoHasNoSession) {
  Bond open = in("alice", 3);
  EXPECT_FALSE(affinity_.forget("alice"));
  open.release();
  EXPECT_TRUE(affinity_.forget("alice"));
  EXPECT_EQ(bind("alice", 4).backend(), 4u);
  EXPECT_TRUE(affinity_.forget("nobody"));
}

TEST_F(AffinityTest, FullOfSessionsALoginGoesOnWithoutABond) {
  Affinity small(64, kKey, [this] { return now_ms_; });
  std::vector<Bond> bonds;
  for (int i = 0; i < 1000; ++i) {
    Bond bond = bound(small, "user" + std::to_string(i), 1, kLapseMs);
    EXPECT_TRUE(settled(bond));
    if (bond) bonds.push_back(std::move(bond));
  }
  EXPECT_LE(small.users(), 64u);
  EXPECT_EQ(small.unbound(), 1000 - bonds.size());
  bonds.clear();
  EXPECT_TRUE(bound(small, "late", 1, kLapseMs)) << "those without a session make room";
}

// The gauge that tells how many are away from home: each change once, whatever ends first.
TEST_F(AffinityTest, UsersAreCountedWhereTheyAre) {
  const auto stays = [](Slot) { return true; };
  const auto login = [&](Bytes user, Slot choice, std::optional<Slot> home) {
    Bond bond;
    EXPECT_EQ(affinity_.bind(bond, user, choice, kLapseMs, stays, home), Bonds::Answer::yes);
    return bond;
  };
  const auto counts = [&] { return std::to_string(affinity_.present()) + " " + std::to_string(affinity_.away()); };
  {
    Bond guess = login("alice", 3, 1);
    EXPECT_EQ(counts(), "0 0") << "who is not logged in is nowhere";
  }
  Bond one = login("alice", 3, 1);
  EXPECT_TRUE(settled(one));
  EXPECT_EQ(counts(), "1 1");
  Bond two = login("alice", 1, 1);
  EXPECT_TRUE(settled(two));
  EXPECT_EQ(counts(), "1 1") << "she is one user";
  Bond other = login("bob", 1, 1), anywhere = login("carl", 2, std::nullopt);
  EXPECT_TRUE(settled(other) && settled(anywhere));
  EXPECT_EQ(counts(), "3 1");
  one.release();
  EXPECT_EQ(counts(), "3 1");
  Bond three = login("alice", 3, 3);
  EXPECT_TRUE(settled(three));
  EXPECT_EQ(counts(), "3 0") << "her home has changed, says the directory";
  for (Bond* bond : {&two, &three, &other, &anywhere}) bond->release();
  EXPECT_EQ(counts(), "0 0");
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

// 1 M users in less than 150 MB.
TEST_F(AffinityTest, AMillionUsersAreSmall) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  Affinity large(1'100'000, kKey, [this] { return now_ms_; });
  for (int i = 0; i < 1'000'000; ++i) {
    Bond bond = bound(large, "some.user." + std::to_string(i) + "@mail.example.com", 1, kLapseMs);
    EXPECT_TRUE(settled(bond));
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
    for (const std::string& name : together) {
      Bond bond = bound(table, name, 1, kLapseMs);
      EXPECT_TRUE(settled(bond));
    }
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
