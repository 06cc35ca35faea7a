// Mover: sends users to other backends, one as well as many at a time, and so that no two servers have a user's mailbox
// at once (T65): his logins wait, his sessions go, the old backend has a moment to finish, a program may carry the
// mailbox over, and then his logins go on.
//
// Control thread; never blocks. A job that does not come to its end within its time leaves the user where he was.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/balance/siphash.h"
#include "backends/ledger/moves.h"
#include "proxy/control/census.h"
#include "proxy/control/hook.h"
#include "proxy/net/timer_wheel.h"

namespace postigo {

class ControlThread;

class Mover {
 public:
  struct Job {
    std::string user;
    std::function<bool()> move;     // makes it take effect; false: there are too many orders
    uint64_t max_ms = 60'000;       // for all of it
    std::vector<std::string> hook;  // a program with its arguments; empty: none
    // `failure`: why he is where he was, or empty. `ended`: his sessions that were let go.
    std::function<void(const std::string& failure, uint64_t ended)> done;
  };

  explicit Mover(ControlThread& control);
  ~Mover();

  // False: the user is being moved already.
  bool start(Job job);
  // His sessions go, and then his logins go on, to wherever that is. Nothing if it is not the time for it.
  void evict(const std::string& user);
  size_t under_way() const { return jobs_.size(); }
  uint64_t started() const { return numbers_; }  // so far
  void close();                                  // all are given up: their hooks are killed, nobody hears of it

 private:
  enum class Stage { emptying, settling, hook, over };
  struct Task {
    Job job;
    uint64_t number = 0;
    Stage stage = Stage::emptying;
    uint64_t deadline_ms = 0, settled_ms = 0;
    uint64_t ended = 0;
    std::string unknown;  // why it is not known who is left; or empty
    std::unique_ptr<Hook> hook;
  };

  void tick();
  void count();
  void counted(const Eviction& eviction, uint64_t last);
  void advance(Task& task);
  void run_hook(Task& task);
  void finish(Task& task, const std::string& failure);
  void bury_finished();

  ControlThread& control_;
  Timer timer_;
  std::vector<std::unique_ptr<Task>> jobs_;
  NameMap<Task*> by_user_;  // those that are not over
  uint64_t numbers_ = 0;
  bool counting_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postigo
