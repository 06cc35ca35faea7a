// What every ledger promises to those who log in, whoever stands behind it: the one in this process's memory, one that
// answers late; and one that many doors share, when there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "backends/ledger/affinity.h"
#include "backends/ledger/penalty.h"
#include "backends/ledger/seat_table.h"
#include "tests/fakes/slow_ledger.h"
#include "tests/unit/backends/ledger_row.h"
#include "tests/unit/backends/penalty_scene.h"

namespace postigo {
namespace {

using Bond = Bonds::Bond;
using Slot = Bonds::Slot;

constexpr uint64_t kContractLapseMs = 15 * 60'000;
constexpr SipKey kContractKey = sip_key("0123456789abcdef");

class InMemory : public AnyLedger {
 public:
  explicit InMemory(std::function<uint64_t()> clock) : affinity_(1'000, kContractKey, std::move(clock)) {}
  Bonds& bonds() override { return affinity_; }
  Seats& seats() override { return seats_; }
  Guesses& guesses() override { return penalties_; }

 private:
  Affinity affinity_;
  SeatTable seats_{kContractKey};
  Penalties penalties_{1'000, kContractKey};
};

class Late final : public InMemory {
 public:
  explicit Late(std::function<uint64_t()> clock) : InMemory(std::move(clock)) {}
  Bonds& bonds() override { return bonds_; }
  Guesses& guesses() override { return guesses_; }

 private:
  SlowBonds bonds_{InMemory::bonds()};
  SlowGuesses guesses_{InMemory::guesses()};
};

template <typename Kind>
std::unique_ptr<AnyLedger> make(std::function<uint64_t()> clock) {
  return std::make_unique<Kind>(std::move(clock));
}

const std::array<LedgerRow, 2> kRows = {{{"InMemory", make<InMemory>}, {"Late", make<Late>}}};

class LedgerContract : public testing::TestWithParam<LedgerRow> {
 protected:
  Bonds& bonds() { return ledger_->bonds(); }
  Bond bind(Bytes user, Slot choice) { return bound(bonds(), user, choice, kContractLapseMs); }
  Bond in(Bytes user, Slot choice) {
    Bond bond = bind(user, choice);
    EXPECT_TRUE(settled(bond));
    return bond;
  }
  Guesses::Attempt begin(const Guest& who) {
    for (int i = 0; i < 1'000; ++i) {
      auto attempt = ledger_->guesses().begin(rules_, who, now_ms_);
      if (attempt.turn != Guesses::Attempt::Turn::again) return attempt;
      now_ms_ += attempt.wait_ms;
    }
    ADD_FAILURE() << "again, and again";
    return {};
  }

  uint64_t now_ms_ = 1'000;
  PenaltyRules rules_ = rules();
  std::unique_ptr<AnyLedger> ledger_ = GetParam().make([this] { return now_ms_; });
};

INSTANTIATE_TEST_SUITE_P(Each, LedgerContract, testing::ValuesIn(kRows), [](auto& row) { return row.param.name; });

TEST_P(LedgerContract, TheFirstLoginDecidesAndAllOthersFollow) {
  Bond first = bind("alice", 3);
  Bond second = bind("alice", 7);  // before the first one is in
  EXPECT_EQ(first.backend(), 3u);
  EXPECT_EQ(second.backend(), 3u);
  EXPECT_TRUE(settled(second));
  EXPECT_TRUE(settled(first));
  EXPECT_EQ(bind("alice", 7).backend(), 3u);
  EXPECT_EQ(bind("bob", 7).backend(), 7u);
}

TEST_P(LedgerContract, ABondOutlivesTheLastSessionForItsTime) {
  Bond one = in("alice", 3);
  Bond two = in("alice", 4);
  now_ms_ += 10 * kContractLapseMs;
  one.release();
  two.release();
  now_ms_ += kContractLapseMs - 1;
  EXPECT_EQ(bind("alice", 4).backend(), 3u);  // and that login does not come in
  now_ms_ += 1;
  EXPECT_EQ(bind("alice", 4).backend(), 4u);
}

TEST_P(LedgerContract, WhoNeverCameInLeavesNothing) {
  bind("alice", 3).release();
  EXPECT_FALSE(bonds().look("alice"));
  in("alice", 5).release();
  bind("alice", 3).release();
  EXPECT_EQ(bonds().look("alice")->lapses_in_ms, kContractLapseMs);
  now_ms_ += kContractLapseMs / 2;
  bind("alice", 3).release();
  EXPECT_EQ(bonds().look("alice")->lapses_in_ms, kContractLapseMs / 2);
}

// A question that was never answered has taken nothing, however often it was asked.
TEST_P(LedgerContract, AQuestionHoldsNothing) {
  for (int i = 0; i < 10; ++i) {
    Bond bond;
    auto answer = bonds().bind(bond, "alice", 3, kContractLapseMs, [](Slot) { return true; });
    EXPECT_EQ(answer == Bonds::Answer::yes, static_cast<bool>(bond));
  }
  auto known = bonds().look("alice");
  EXPECT_TRUE(!known || known->logins == 0);
}

TEST_P(LedgerContract, WithoutASessionHeStaysOnlyWhereHeMay) {
  in("alice", 3).release();
  EXPECT_EQ(bound(bonds(), "alice", 4, kContractLapseMs, false).backend(), 4u);
  Bond open = in("bob", 3);
  EXPECT_EQ(bound(bonds(), "bob", 4, kContractLapseMs, false).backend(), 3u);
}

TEST_P(LedgerContract, GuessesDoNotHoldSomebodyWhereHeIsNotToStay) {
  Bond guess = bind("alice", 3);
  Bond login = bound(bonds(), "alice", 4, kContractLapseMs, false);
  EXPECT_EQ(login.backend(), 4u);
  EXPECT_TRUE(settled(login));
  EXPECT_FALSE(settled(guess));
}

TEST_P(LedgerContract, ALoginThatCannotReachItMovesTheUserIfNoSessionIsThere) {
  Bond one = bind("alice", 3);
  Bond two = bind("alice", 3);
  EXPECT_TRUE(moved(one, 4));
  EXPECT_EQ(one.backend(), 4u);
  EXPECT_TRUE(moved(two, 5));  // it goes where the other one went
  EXPECT_EQ(two.backend(), 4u);
  EXPECT_TRUE(settled(one));
  EXPECT_FALSE(moved(two, 5));
  EXPECT_TRUE(two.shared());
  EXPECT_EQ(bonds().look("alice")->backend, 4u);
}

// The fence: the backend answers one of two logins and not the other, or a door has slept. Whoever is in first counts,
// and the other one follows.
TEST_P(LedgerContract, ALoginThatWasLeftBehindHasToFollow) {
  Bond slow = bind("alice", 3);
  Bond fast = bind("alice", 3);
  EXPECT_TRUE(moved(fast, 4));
  EXPECT_TRUE(settled(fast));
  EXPECT_FALSE(settled(slow));
  EXPECT_EQ(slow.backend(), 4u);
  EXPECT_TRUE(settled(slow));
  EXPECT_EQ(bonds().look("alice")->sessions, 2u);
}

TEST_P(LedgerContract, NamesAreComparedWhole) {
  const std::string zero("alice\0", 6);
  Bond open = in("alice", 3);
  for (Bytes other : {Bytes("alice "), Bytes("alic"), Bytes(zero), Bytes("")}) EXPECT_EQ(bind(other, 4).backend(), 4u);
}

TEST_P(LedgerContract, ABondIsGivenBackOnceWhereverItWent) {
  Bond one = in("alice", 3);
  Bond two = std::move(one);
  one.release();
  EXPECT_EQ(bonds().look("alice")->sessions, 1u);
  two = in("bob", 4);
  EXPECT_EQ(bonds().look("alice")->sessions, 0u);
  EXPECT_EQ(bonds().look("bob")->sessions, 1u);
}

// Two threads log users in, move them and let them go: nobody is ever in at two backends, and all is given back.
TEST_P(LedgerContract, ManyThreadsAgree) {
  constexpr size_t kUsers = 8;
  std::array<std::array<std::atomic<int>, 4>, kUsers> at{};
  std::atomic<int> apart{0}, wrong{0};
  auto work = [&](uint64_t seed) {
    for (uint64_t i = 0; i < 40'000; ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const size_t user = (seed >> 33) % kUsers;
      Bond bond = bind("user" + std::to_string(user), (seed >> 40) % 4);
      if ((seed >> 50) % 4 == 0) moved(bond, (seed >> 42) % 4);
      if (!settled(bond) && !settled(bond)) continue;
      const Slot here = bond.backend();
      ++at[user][here];
      int places = 0;
      for (auto& each : at[user]) places += each > 0 ? 1 : 0;
      if (places > 1) ++apart;
      if (bonds().look("user" + std::to_string(user))->backend != here) ++wrong;
      --at[user][here];
    }
  };
  std::thread one(work, 1), two(work, 2);
  one.join();
  two.join();
  EXPECT_EQ(apart, 0);
  EXPECT_EQ(wrong, 0);
  for (size_t i = 0; i < kUsers; ++i) {
    auto known = bonds().look("user" + std::to_string(i));
    EXPECT_TRUE(!known || known->sessions + known->logins == 0);
  }
}

TEST_P(LedgerContract, SeatsAreTakenAllOrNoneAndGivenBack) {
  auto take = [&](const std::string& address) {
    const Seats::Bound bounds[] = {{SeatKind::user, "anna", 3}, {SeatKind::user_address, "anna", 2, address}};
    return ledger_->seats().take(bounds);
  };
  auto a = take("1"), b = take("1"), full = take("1");
  EXPECT_TRUE(a.ok && b.ok);
  EXPECT_FALSE(full.ok);
  EXPECT_EQ(full.full, SeatKind::user_address);
  EXPECT_FALSE(full.seat);
  auto c = take("2");
  EXPECT_TRUE(c.ok) << "what was refused holds nothing";
  EXPECT_EQ(take("3").full, SeatKind::user);
  b.seat.release();
  EXPECT_TRUE(take("1").ok);
}

TEST_P(LedgerContract, WhoGuessesWaitsAndWhoKnowsDoesNot) {
  const Guest stranger{address("192.0.2.1"), "anna"}, owner{address("198.51.100.1"), "anna"};
  ledger_->guesses().succeeded(rules_, owner, begin(owner), now_ms_);
  for (int i = 0; i < 12; ++i) {
    auto attempt = begin(stranger);
    now_ms_ += attempt.wait_ms;
    ledger_->guesses().failed(rules_, stranger, attempt, std::to_string(i), now_ms_);
  }
  auto next = begin(stranger);
  EXPECT_GT(next.wait_ms, 0u);
  ledger_->guesses().taken_back(rules_, stranger, next, now_ms_);
  auto his = begin(owner);
  EXPECT_EQ(his.wait_ms, 0u);
  ledger_->guesses().succeeded(rules_, owner, his, now_ms_);
}

}  // namespace
}  // namespace postigo
