// Flush: empties a backend of its users, so many at a time and so many a second, each as Mover does it.
//
// Control thread. Logins of users that were not there go elsewhere already: the backend drains. Whoever cannot be moved
// stays, and is told of. Ends with the process: nobody is left half way.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backends/ledger/moves.h"
#include "proxy/control/census.h"
#include "proxy/net/timer_wheel.h"

namespace postigo {

class ControlThread;

class Flush {
 public:
  struct Order {
    std::string backend;
    Moves::Order target;  // where they go: a backend of that shard
    bool moves = false;   // each gets this order, else the drain sends him there
    std::string hook;     // a program's path, or empty
    uint64_t parallel = 10;
    uint64_t per_s = 100;
    uint64_t max_ms = 60'000;  // for each user
  };
  struct Progress {
    std::string backend, to;  // empty: there was none yet
    bool running = false;
    uint64_t users = 0, moved = 0, failed = 0, under_way = 0, ended = 0;
    std::vector<std::string> failures;  // the newest of them, "USER: why", and who does not tell who is there
  };

  explicit Flush(ControlThread& control);
  bool running() const { return progress_.running; }
  // REQUIRES: none runs. `begun` hears how many users there are.
  void start(Order order, std::function<void()> begun);
  void stop();  // those that are under way are finished
  const Progress& progress() const { return progress_; }
  void close();

 private:
  void begin(std::set<std::string> bound, Occupants found, const std::function<void()>& begun);
  void tick();
  bool target_is_there() const;
  void give_up(const std::string& why);
  void keep();
  void next();
  void moved(const std::string& user, const std::string& failure, uint64_t ended);

  ControlThread& control_;
  Timer timer_;
  Order order_;
  Progress progress_;
  std::deque<std::string> users_;  // that are still to be moved
  uint64_t begun_ms_ = 0, started_ = 0;
  uint64_t kept_ms_ = 0, kept_ = 0;  // when, and how many of those who were moved
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postigo
