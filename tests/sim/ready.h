// Ready: connections that workers keep ready for logins, as proxy/session/ready_pool does: how many, when, and what
// becomes of them; beside a plain count. There are never more than may be, over all workers; none is made where nobody
// comes or where they do not last, nor before logins that wait for places; and each is used once.
#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "backends/balance/ready_plan.h"
#include "tests/sim/door.h"

namespace postigo::sim {

class Ready {
 public:
  static constexpr size_t kWorkers = 4;

  Ready(Story& story, World& world, Door& door);

  bool take(size_t worker,
            Server& at);  // a login goes there: whether one was ready
  void exchanged();       // another configuration: all are let go
  void check_bounds();
  void check_end();

 private:
  // One connection, begun or parked.
  struct Entry {
    uint64_t number = 0;
    uint64_t since_ms = 0;
    bool parked = false;
    Places::ReadySeat seat;
  };
  struct Line {
    Server* at = nullptr;
    ReadyPlan plan;
    std::vector<Entry> entries;  // the oldest first
    bool ticks = false;
    // What the plan is measured by.
    uint64_t last_login_ms = 0;
    uint64_t failed_ms = 0, in_a_row = 0;
  };
  using Name = std::pair<size_t, const Server*>;

  void tick(const Name& name);
  void tend(Line& line);
  void fill(const Name& name, Line& line);
  bool begin(const Name& name, Line& line, uint64_t most);
  void made(const Name& name, uint64_t number);
  void fail(Line& line);
  static bool lasts(const Line& line, const Entry& entry);
  size_t count(const Server& at) const;

  Story& story_;
  World& world_;
  Door& door_;
  std::map<Name, Line> lines_;
  uint64_t numbers_ = 0;
};

}  // namespace postigo::sim
