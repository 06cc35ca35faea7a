// LimitsModel: how many sessions are counted where, by counting them plainly; what the Limiter says is compared with
// it.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "backends/ledger/limiter.h"
#include "backends/ledger/seat_table.h"
#include "tests/sim/session.h"

namespace postigo::sim {

class LimitsModel {
 public:
  LimitsModel(Story& story, const LimitRules& rules) : story_(story), rules_(rules) {}

  void came(Guest& guest, Limit answer);
  void logged_in(Guest& guest, std::string_view pool, Limit answer);
  void left(Guest& guest);  // or was refused
  void check(const SeatTable& seats) const;

 private:
  using Counts = std::array<std::map<std::string, uint64_t>, kSeatKinds>;
  struct Wish {
    SeatKind kind;
    std::string key;
    uint64_t max;
    Limit limit;
  };
  Limit take(Guest& guest, const std::vector<Wish>& wishes, bool taken);
  void check_rate(Limit answer);

  Story& story_;
  const LimitRules& rules_;
  Counts counts_;
  std::deque<uint64_t> passed_;  // connections of the last two seconds
};

}  // namespace postigo::sim
