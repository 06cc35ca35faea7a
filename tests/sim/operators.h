// Operators: what people order while the platform runs: backends out and in, weights, reloads, another process, users
// moved and held, servers emptied.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/mover.h"
#include "tests/sim/survey.h"

namespace postigo::sim {

class Operators {
 public:
  Operators(Story& story, World& world, Door& door, Logins& logins, Mover& mover, Oracle& oracle, Survey& survey);
  void schedule();

 private:
  void order_backend();
  void want(Server& server, Wanted wanted);
  void move_user();
  void hold_user();
  void flush();
  void flush_next(Server& from, const std::shared_ptr<std::vector<std::string>>& left);
  void reload();
  void change_room();
  void change_weight(config::Shard& shard);
  void begin_transition(config::Shard& shard);
  void take_out(config::Pool& pool);
  Moves::Order draw_target();
  std::string any_user() { return Logins::name_of(story_.roll(1 + story_.scale.users / (1 + 50 * story_.roll(2)))); }

  Story& story_;
  World& world_;
  Door& door_;
  Logins& logins_;
  Mover& mover_;
  Oracle& oracle_;
  Survey& survey_;
  std::vector<config::Shard> out_;  // of main
  bool flushing_ = false;
};

}  // namespace postigo::sim
