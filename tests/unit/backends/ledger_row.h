// What keeps a ledger's promises: a row for each implementation, and how it is asked.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "backends/ledger/bonds.h"
#include "backends/ledger/guesses.h"
#include "backends/ledger/seats.h"

namespace postigo {

class AnyLedger {
 public:
  virtual ~AnyLedger() = default;
  virtual Bonds& bonds() = 0;
  virtual Seats& seats() = 0;
  virtual Guesses& guesses() = 0;
};

struct LedgerRow {
  std::string name;
  // `clock`: monotonic milliseconds, turned by the test.
  std::unique_ptr<AnyLedger> (*make)(std::function<uint64_t()> clock);
};

// Whoever may say `later` is asked again, but not for ever.
template <typename Question>
Bonds::Answer answer_to(Question&& question) {
  for (int i = 0; i < 1'000; ++i) {
    if (Bonds::Answer answer = question(); answer != Bonds::Answer::later) return answer;
  }
  ADD_FAILURE() << "later, and later again";
  return Bonds::Answer::no;
}

inline Bonds::Bond bound(Bonds& bonds, Bytes user, Bonds::Slot choice, uint64_t lapse_ms, bool stays = true) {
  Bonds::Bond bond;
  answer_to([&] { return bonds.bind(bond, user, choice, lapse_ms, [stays](Bonds::Slot) { return stays; }); });
  return bond;
}
inline bool settled(Bonds::Bond& bond) {
  return answer_to([&] { return bond.settle(); }) == Bonds::Answer::yes;
}
inline bool moved(Bonds::Bond& bond, Bonds::Slot to) {
  return answer_to([&] { return bond.move(to); }) == Bonds::Answer::yes;
}

}  // namespace postigo
