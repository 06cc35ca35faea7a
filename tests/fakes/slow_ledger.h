// A ledger that takes its time, as a shared engine's does: each question is answered by "later" so often before it is
// answered at all, which another ledger does. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "backends/ledger/bonds.h"
#include "backends/ledger/guesses.h"

namespace postigo {

class SlowBonds final : public Bonds {
 public:
  explicit SlowBonds(Bonds& truth) : truth_(truth) {}

  // Of each kind of question how often; kForEver: nobody answers.
  static constexpr unsigned kForEver = 1'000'000;
  unsigned takes = 1, moves = 1, settles = 1;
  unsigned asked() const { return asked_; }  // all of them, and "later" each time

  std::optional<Known> look(Bytes user) const override { return truth_.look(user); }
  Answer take(Part& part, Slot choice, const std::function<bool(Slot)>& stays) override {
    return later(part, 't', takes) ? Answer::later : truth_.take(part, choice, stays);
  }
  Answer move(Part& part, Slot to) override { return later(part, 'm', moves) ? Answer::later : truth_.move(part, to); }
  Answer settle(Part& part) override { return later(part, 's', settles) ? Answer::later : truth_.settle(part); }
  void give_back(const Part& part) override { truth_.give_back(part); }

 private:
  bool later(const Part& part, char question, unsigned times) {
    std::lock_guard lock(mutex_);
    auto& so_often = under_way_[{question, part.user}];
    if (so_often++ < times) {
      ++asked_;
      return true;
    }
    under_way_.erase({question, part.user});
    return false;
  }

  Bonds& truth_;
  std::mutex mutex_;
  std::map<std::pair<char, std::string>, unsigned> under_way_;
  unsigned asked_ = 0;
};

// Of guesses "later" is said as Turn::again.
class SlowGuesses final : public Guesses {
 public:
  explicit SlowGuesses(Guesses& truth) : truth_(truth) {}

  Attempt begin(const PenaltyRules& rules, const Guest& guest, uint64_t now_ms) override {
    if (std::exchange(under_way_, !under_way_)) return truth_.begin(rules, guest, now_ms);
    return {.turn = Attempt::Turn::again, .wait_ms = 1};
  }
  void failed(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, Bytes secret,
              uint64_t now_ms) override {
    truth_.failed(rules, guest, attempt, secret, now_ms);
  }
  void succeeded(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) override {
    truth_.succeeded(rules, guest, attempt, now_ms);
  }
  void taken_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) override {
    truth_.taken_back(rules, guest, attempt, now_ms);
  }

 private:
  Guesses& truth_;
  bool under_way_ = false;
};

}  // namespace postigo
