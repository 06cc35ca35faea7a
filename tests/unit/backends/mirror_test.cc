// What other processes hold counts here: bonds and seats, until they say that it is over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/ledger/affinity.h"
#include "backends/ledger/bonds_text.h"
#include "backends/ledger/seat_table.h"
#include "tests/unit/backends/ledger_row.h"

namespace postigo {
namespace {

using Slot = Affinity::Slot;

constexpr uint64_t kMirrorLapseMs = 60'000;
constexpr SipKey kMirrorKey = sip_key("0123456789abcdef");

class MirroredBonds : public testing::Test {
 protected:
  Bonds::Bond bind(Bytes user, Slot choice, bool stays) {
    return bound(affinity_, user, choice, kMirrorLapseMs, stays);
  }
  // A round over all stripes.
  void mirror(const NameMap<Slot>& users) {
    for (size_t stripe = 0; stripe < affinity_.stripes(); ++stripe) affinity_.mirror(stripe, users, kMirrorLapseMs);
  }

  uint64_t now_ms_ = 1'000;
  Affinity affinity_{1'000, kMirrorKey, [this] { return now_ms_; }};
};

TEST_F(MirroredBonds, ASessionElsewhereHoldsLikeOneHere) {
  mirror({{"alice", 3}});
  auto bond = bind("alice", 7, false);
  EXPECT_EQ(bond.backend(), 3U) << "although that backend takes nobody any more";
  EXPECT_TRUE(bond.shared());
  EXPECT_FALSE(bond.fresh());
  EXPECT_FALSE(moved(bond, 7));
  EXPECT_FALSE(affinity_.forget("alice"));
  EXPECT_TRUE(affinity_.look("alice")->held);
  EXPECT_EQ(affinity_.look("alice")->sessions, 0U) << "of this process";
  now_ms_ += 100 * kMirrorLapseMs;
  EXPECT_EQ(bind("alice", 7, false).backend(), 3U) << "as long as it is there";
}

TEST_F(MirroredBonds, WhenItEndsTheBondLapsesAsEver) {
  mirror({{"alice", 3}, {"bob", 3}});
  mirror({{"bob", 3}});
  EXPECT_FALSE(affinity_.look("alice")->held);
  EXPECT_EQ(affinity_.look("alice")->lapses_in_ms, kMirrorLapseMs);
  EXPECT_EQ(bind("alice", 7, true).backend(), 3U);
  EXPECT_EQ(bind("alice", 7, false).backend(), 7U);
  now_ms_ += kMirrorLapseMs;
  EXPECT_FALSE(affinity_.look("alice"));
  EXPECT_TRUE(affinity_.look("bob"));
}

TEST_F(MirroredBonds, WhoWasMovedIsLetGoAtOnce) {
  mirror({{"alice", 3}});
  affinity_.let_go("alice");
  affinity_.let_go("nobody");
  EXPECT_TRUE(affinity_.forget("alice"));
  EXPECT_EQ(bind("alice", 7, true).backend(), 7U);
}

TEST_F(MirroredBonds, WhoseSessionsAreHereStaysHere) {
  auto here = bind("alice", 7, true);
  ASSERT_TRUE(settled(here));
  mirror({{"alice", 3}});
  EXPECT_EQ(bind("alice", 3, true).backend(), 7U);
  here.release();
  EXPECT_FALSE(affinity_.look("alice")->held);
  mirror({{"alice", 3}});
  EXPECT_EQ(bind("alice", 7, true).backend(), 3U) << "where his last session is";
}

TEST_F(MirroredBonds, WhatAPredecessorRemembersOfHimIsCorrected) {
  affinity_.adopt("alice", 5, 3'600'000);
  mirror({{"alice", 3}});
  EXPECT_EQ(bind("alice", 7, true).backend(), 3U);
}

TEST_F(MirroredBonds, TheyGoToTheNextProcess) {
  mirror({{"alice", 1}});
  const std::string text = bonds_text(affinity_, {"a", "b"}, 60'000, 5'000);
  Affinity next(1'000, kMirrorKey, [this] { return now_ms_; });
  adopt_bonds(next, text, [](std::string_view name) { return std::optional<Slot>(name == "b" ? 9 : 8); });
  ASSERT_TRUE(next.look("alice"));
  EXPECT_EQ(next.look("alice")->backend, 9U);
}

TEST_F(MirroredBonds, NothingIsLeftOfThem) {
  mirror({{"alice", 1}, {"bob", 2}});
  mirror({});
  now_ms_ += kMirrorLapseMs;
  mirror({});
  EXPECT_EQ(affinity_.users(), 0U);
}

class MirroredSeats : public testing::Test {
 protected:
  Seats::Taken user(const std::string& name, uint64_t max) {
    const Seats::Bound bounds[] = {{SeatKind::user, name, max}};
    return here_.take(bounds);
  }
  // What the other process has, a stripe at a time.
  void mirror() {
    for (size_t stripe = 0; stripe < here_.stripes(); ++stripe) here_.mirror(stripe, other_.counts(stripe));
  }
  Seats::Taken there(const std::string& name) {
    const Seats::Bound bounds[] = {{SeatKind::user, name, 9}};
    return other_.take(bounds);
  }

  SeatTable other_{{1, 2}}, here_{{1, 2}};
};

TEST_F(MirroredSeats, SessionsElsewhereCountHere) {
  auto one = there("anna"), two = there("anna"), three = there("bert");
  mirror();
  EXPECT_THAT(here_.most(), testing::ElementsAre(2, 0, 0, 0));
  EXPECT_FALSE(user("anna", 2).ok);
  auto here = user("anna", 3);
  EXPECT_TRUE(here.ok);
  EXPECT_TRUE(user("bert", 2).ok);
  two.seat.release();
  mirror();
  EXPECT_TRUE(user("anna", 3).ok);
  here.seat.release();
  one.seat.release();
  three.seat.release();
  mirror();
  EXPECT_EQ(here_.size(), 0U);
  EXPECT_TRUE(user("anna", 1).ok);
}

// What is counted of each kind elsewhere is asked for here under the same name, in the same stripe.
TEST_F(MirroredSeats, EachKindIsFoundAgain) {
  using Two = std::array<Seats::Bound, Seats::kBoundsMost>;
  static constexpr Bytes kAnna = "anna@example.com";
  auto user = [](Seats& seats, uint64_t max) {
    return seats.take(Two{{{SeatKind::user, kAnna, 9}, {SeatKind::user_address, kAnna, max, "addr"}}});
  };
  auto address = [](Seats& seats) {
    return seats.take(Two{{{SeatKind::address, "addr", 9}, {SeatKind::network, "net", 9}}});
  };
  auto one = user(other_, 9), two = user(other_, 9), three = address(other_), four = address(other_);
  mirror();
  EXPECT_THAT(here_.most(), testing::ElementsAre(2, 2, 2, 2));
  EXPECT_EQ(user(here_, 2).full, SeatKind::user_address);
  EXPECT_TRUE(user(here_, 3).ok);
  mirror();
  EXPECT_THAT(here_.most(), testing::ElementsAre(2, 2, 2, 2));
  two.seat.release();
  four.seat = {};
  mirror();
  EXPECT_THAT(here_.most(), testing::ElementsAre(1, 1, 1, 1));
}

TEST_F(MirroredSeats, OwnSessionsAreNotToldOnAsOthers) {
  auto one = there("anna");
  mirror();
  auto here = user("anna", 5);
  size_t told = 0;
  for (size_t stripe = 0; stripe < here_.stripes(); ++stripe) {
    for (const auto& [name, count] : here_.counts(stripe)) told += count;
  }
  EXPECT_EQ(told, 1U);
}

TEST_F(MirroredSeats, SeveralProcessesAddUpAndStrangeNamesDoNotCount) {
  auto one = there("anna");
  for (size_t stripe = 0; stripe < here_.stripes(); ++stripe) {
    auto counts = other_.counts(stripe);
    const auto another = counts;
    counts.insert(counts.end(), another.begin(), another.end());
    counts.emplace_back("", 7);
    counts.emplace_back(std::string(17, '\xff'), 7);
    counts.emplace_back("short", 7);
    counts.emplace_back(std::string("\1\tab"), 7);  // a user at an address that is not all there
    counts.emplace_back(std::string("\1"), 7);
    here_.mirror(stripe, counts);
  }
  EXPECT_EQ(here_.size(), 1U);
  EXPECT_FALSE(user("anna", 2).ok);
  EXPECT_TRUE(user("anna", 3).ok);
}

}  // namespace
}  // namespace postigo
