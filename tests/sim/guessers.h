// Guessers: attackers who guess passwords beside users who know theirs, and what the penalties make of both. Good users
// who are known are not held back, others no longer than may be; a guesser gets few answers; what is kept of it all is
// bounded, and forgotten at last.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/ledger/penalty.h"
#include "tests/sim/story.h"

namespace postigo::sim {

class Guessers {
 public:
  explicit Guessers(Story& story);
  void schedule();
  void check_bounds();
  void check_end();  // all attacks are over for long

 private:
  // Guesses from a few addresses, or from very many, at one user or at all.
  struct Attack {
    std::vector<config::AnyAddress> from;
    std::string victim;       // empty: another user each time
    std::string own_account;  // with which he logs in now and then; empty: he has none
    bool patient = false;     // nobody leaves before he is answered
    uint64_t began_ms = 0;
    uint64_t every_ms = 0;
    uint64_t answered = 0;  // guesses that somebody looked at
  };
  struct Person {
    std::string name;
    config::AnyAddress home{};
    bool known = false;
    unsigned slips = 0;   // in a row
    unsigned abroad = 0;  // logins elsewhere since the last one at home
  };
  using AttackPtr = std::shared_ptr<Attack>;

  void draw_attack();
  void guess(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user, uint64_t patience_ms);
  void be_judged(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user,
                 const Penalties::Attempt& attempt);
  void answer(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user,
              const Penalties::Attempt& attempt);
  void end(const AttackPtr& attack);
  void log_in(Person& person, bool abroad);
  void check_good(const Person& person, bool abroad, const Penalties::Attempt& attempt);
  config::AnyAddress fresh_address();

  Story& story_;
  const bool tight_;  // the tables are too small for all that is going on
  PenaltyRules rules_;
  Penalties penalties_;
  std::vector<Person> people_;
  std::vector<std::string> victims_;
  std::vector<config::AnyAddress> attackers_;
  std::map<config::AnyAddress, unsigned> judged_;  // guesses of each that are being looked at
  uint64_t guesses_ = 0, fresh_ = 0;
};

}  // namespace postigo::sim
