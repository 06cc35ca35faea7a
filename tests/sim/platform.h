// Platform: one story of a mail platform in small or in large, whose time passes in an instant. The rooms and what they
// know of each other:
//
//   world      machines that die, hang, come back, and change their addresses
//   door       one process of ours: every decision is made by the code that Postigo runs
//   rooms      who waits for room at a backend, beside a plain count
//   ready      connections that are made before somebody comes, beside a plain count
//   logins     users who come in, one step after the other, and their sessions
//   load       when they come
//   mover      users who are sent elsewhere
//   operators  what people order: drains, weights, moves, holds, reloads, successors
//   guessers   attackers beside good users
//   oracle     what must never be, looked for at every step; limits_model counts seats plainly
//   survey     where many users are placed, and should be
#pragma once

#include "tests/sim/guessers.h"
#include "tests/sim/load.h"
#include "tests/sim/operators.h"

namespace postigo::sim {

class Platform {
 public:
  Platform(uint64_t seed, const Scale& scale);
  ~Platform() { story_.time.clear(); }  // what is under way has parts in the ledger
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  // The whole story. Empty: nothing was wrong. Else what was, with the moment.
  const std::vector<std::string>& run();
  const Numbers& numbers() const { return story_.numbers; }

 private:
  void schedule();
  void keep();
  void end();

  Story story_;
  World world_;
  Door door_;
  Oracle oracle_;
  Rooms rooms_;
  Ready ready_;
  Logins logins_;
  Mover mover_;
  Survey survey_;
  Operators operators_;
  Load load_;
  Guessers guessers_;
};

}  // namespace postigo::sim
