// Mover: sends users to other backends as proxy/control/mover does it: hold, let go, settle, a program, the order,
// release. With the keeper of the ledger, who helps users whose sessions keep them at a backend that is gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/door.h"
#include "tests/sim/logins.h"
#include "tests/sim/oracle.h"

namespace postigo::sim {

class Mover {
 public:
  Mover(Story& story, World& world, Door& door, Logins& logins, Oracle& oracle);

  struct Job {
    std::string user;
    std::function<bool()> move;  // makes it take effect
    uint64_t max_ms = 60'000;
    bool hook = false;
    std::function<void(bool moved)> done = [](bool) {};
  };
  bool start(Job job);  // false: he is being moved already
  // He lives there now, or where he lived before; he may have sessions.
  bool apply(const std::string& user, const std::optional<Moves::Order>& order);
  void keep();  // each second

 private:
  enum class Stage { emptying, settling, hook };
  struct Task {
    Job job;
    Stage stage = Stage::emptying;
    uint64_t deadline_ms = 0, ready_ms = 0;
    bool ended = false;  // somebody was there
  };

  void tick(const std::string& user);
  void finish(const std::string& user, bool good);
  void help_stranded();

  Story& story_;
  World& world_;
  Door& door_;
  Logins& logins_;
  Oracle& oracle_;
  std::map<std::string, Task> tasks_;
  size_t stripe_ = 0;
};

}  // namespace postigo::sim
