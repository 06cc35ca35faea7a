// Guesses: who guesses passwords waits longer and longer, however many connections he opens.
//
// Counted are failures of each address (of IPv6 a /64), of each wider network, with more patience, and of each user.
// An attempt takes its place in the queues of all three when it begins; where a queue is too long the attempt is
// refused without being looked at. Who logged in well lately from the same address is not held back by what others do
// there, nor by what is done to his name elsewhere, so neither locks him out.
//
// Time is passed in, in milliseconds of a clock that never goes back. Any thread; nothing blocks.
//
// All doors of a platform count together. Within one process they are its workers, and Penalties is the answer; a
// fleet's is a shared engine (Valkey, Redis):
//
// - Lease. An attempt under way is leased to its door, and lapses after login_timeout if that dies.
// - Copy. begin() is one question with the three keys. While it is under way the answer is Turn::again, which whoever
//   asks knows how to bear: begin() once more after `wait_ms`. What is known of others may be a moment old: a delay
//   errs by that.
// - Fence. Failures only add up, and attempts are known by who began them: an end that comes after its lease is over
//   counts as a failure if it was one, and gives nothing back twice.
// - Nobody answers. Without an answer in a fraction of a second the door's own tables decide, which err by a factor of
//   the number of doors and never refuse more. Guessing does not become free, and nobody is locked out.
#pragma once

#include <cstdint>

#include "backends/ledger/penalty_rules.h"
#include "config/network.h"
#include "parser/base/bytes.h"

namespace postigo {

// Who tries, and as whom.
struct Guest {
  config::AnyAddress address{};
  Bytes user;
};

class Guesses {
 public:
  // One attempt, from begin() to one of the three ends.
  struct Attempt {
    using Turn = PenaltyRecord::Turn;
    Turn turn = Turn::go;
    uint8_t charged = 0;           // where; no business of the caller's, nor are the hashes
    uint64_t user = 0, place = 0;  // hashes of his name and address
    uint64_t wait_ms = 0;          // ask no directory before that; `again`: call begin() once more then
    uint64_t told_ms = 0;          // from now on: a refusal told earlier would give away that he is known here
  };

  virtual Attempt begin(const PenaltyRules& rules, const Guest& guest, uint64_t now_ms) = 0;
  // Each attempt that went has exactly one of these ends, with the same guest. `secret`: what was tried, for telling
  // the same guess again.
  virtual void failed(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, Bytes secret,
                      uint64_t now_ms) = 0;
  virtual void succeeded(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) = 0;
  virtual void taken_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) = 0;

 protected:
  ~Guesses() = default;
};

}  // namespace postigo
