// Survey: asks where many users are placed, and compares with where they should be: who moves when the file changes,
// whether all doors agree, and which part of the users stays in its zone or with a backend that is to have fewer.
#pragma once

#include <string>

#include "tests/sim/door.h"

namespace postigo::sim {

class Survey {
 public:
  Survey(Story& story, World& world, Door& door);

  // Of main a shard's weight has changed from `before` to `after`; 0: it was not there, or is not any more.
  void reloaded(const Router& router_before, const std::string& shard, double before, double after);
  // A shard of main is in transition: its whole course, at all doors.
  void follow(const std::string& shard, double weight, const config::Transition& transition);
  void look();  // at what is so now

 private:
  std::string shard_of(const Router& router, size_t user, int64_t now_s) const;
  bool is_alone(const std::string& shard, const config::Transition& transition) const;
  double sum_of_weights(int64_t now_s) const;
  void check_share(const std::string& what, double share, double ideal, size_t of);
  void check_doors();
  void check_zone();
  void check_weight();

  Story& story_;
  World& world_;
  Door& door_;
};

}  // namespace postigo::sim
