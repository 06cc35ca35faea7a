// ControlThread: the one that decides: it owns workers and what lasts, and all that changes something goes through it.
//
// Made, run and destroyed on the main thread; every member is for that thread only, and none blocks: files are read and
// written on a thread of their own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/mailbox.h"
#include "proxy/control/directory_watch.h"
#include "proxy/control/discovery.h"
#include "proxy/control/doors.h"
#include "proxy/control/drain.h"
#include "proxy/control/flush.h"
#include "proxy/control/inheritance.h"
#include "proxy/control/inquiry.h"
#include "proxy/control/ledger_keeper.h"
#include "proxy/control/mirror.h"
#include "proxy/control/mover.h"
#include "proxy/control/oracle.h"
#include "proxy/control/predecessors.h"
#include "proxy/control/preparation.h"
#include "proxy/control/prober.h"
#include "proxy/control/receipts.h"
#include "proxy/control/reload.h"
#include "proxy/control/removals.h"
#include "proxy/control/signals.h"
#include "proxy/control/standing_orders.h"
#include "proxy/control/succession.h"
#include "proxy/control/successor.h"
#include "proxy/control/watchdog.h"
#include "proxy/ops/admin.h"
#include "proxy/ops/callers.h"
#include "proxy/ops/http.h"
#include "proxy/worker.h"

namespace postigo {

std::string path_of_program();

class ControlThread {
 public:
  ControlThread(std::string file, config::Config config, Prepared prepared, Inheritance inheritance);
  ~ControlThread();

  // Ports as who started us, everything else as the account. No thread is started before the account has changed but
  // those of pools, which the change takes along. The error is one line.
  Result<void> start();
  int run();      // until the last worker has ended: the exit code
  int abandon();  // instead of run(), if start() failed

  // --- what verbs and signals ask for ---
  const Running& running() const { return running_; }
  const Shared& shared() const { return *shared_; }
  Fleet& fleet() { return prepared_.lasting->fleet; }
  const Workers& workers() const { return workers_; }
  Loop& loop() { return loop_; }
  int64_t started_s() const { return started_s_; }
  bool stopping() const { return drain_.ending(); }
  Drain& drain() { return drain_; }
  StandingOrders& orders() { return orders_; }
  Traces& traces() { return shared_->traces; }
  SeatTable& seats() { return shared_->seats; }
  Penalties& penalties() { return shared_->penalties; }
  Ledger& ledger() { return shared_->ledger; }
  Mover& mover() { return mover_; }
  Inquiry& inquiry() { return *inquiry_; }
  Flush& flush() { return flush_; }
  Predecessors& predecessors() { return predecessors_; }

  void reload(Reloader::Order order);
  // What a reload would change now.
  void compare(std::function<void(const Proposal&)> then) { reloader_->compare(std::move(then)); }
  // `work` blocks and runs elsewhere; `then` here.
  void chore(std::function<void()> work, std::function<void()> then) {
    reloader_->chore(std::move(work), std::move(then));
  }
  // What operators have decided is written down; then, here: why not, or empty.
  void keep_orders(std::function<void(const std::string& failure)> then);
  void keep_state();  // the same for whoever is not asked: a failure is told in the log
  Result<void> reopen_log();
  // Another process of the program as it is on disk now takes this one's place; `done` hears why not, or who it is.
  using UpgradeDone = std::function<void(const std::string& failure, pid_t successor)>;
  void upgrade(const std::string& cause, UpgradeDone done);
  void stop(const std::string& cause);  // again: now
  // What is decided now would be lost; or empty: it would not.
  std::string why_not_now() const;
  // Shows every session of this process to `visit`, on its worker's thread; then `done`, here. Workers that have ended
  // have none.
  void walk(std::function<bool(Session&)> visit, std::function<void()> done);

 private:
  Result<void> take_orders();
  Result<void> make_workers();
  Result<int> listen_for_admins(const config::Endpoint& at);
  Result<void> open_admin();
  Result<void> open_socket();
  Result<void> open_lookup();
  Result<void> open_api();
  Http::Handler handler(Identify identify);
  void announce();
  void announce_listeners(const std::vector<config::Listener>& before);

  void told(int signal);
  void sweep();
  void warn_of_expiry();
  void proposed(Proposal& proposal, const Reloader::Order& order);
  void answer(const Reloader::Order& order, const Reloader::Outcome& outcome);
  std::string publish(Proposal& proposal);
  void note_load(bool good);
  void apply_limits();

  Result<Estate> estate();
  std::string why_no_successor() const;
  bool asks_for_succession(const Http::Request& request, const Http::Answer& answer);
  void give(Descriptor conversation);
  void succeeded(const std::string& cause, const std::string& failure, pid_t successor);

  void told_draining(bool draining);
  void worker_ended();
  void close();

  Signals signals_;      // before anything that starts a thread
  std::string program_;  // its path
  Prepared prepared_;
  Inheritance inheritance_;  // but for the sockets
  Running running_;
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Timer sweep_, expiry_;
  Doors doors_;
  std::unique_ptr<Shared> shared_;
  Workers workers_;
  Watchdog watchdog_;
  Receipts receipts_;
  DirectoryWatch directory_watch_;
  Drain drain_;
  Succession succession_;
  Predecessors predecessors_;
  Successor successor_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Http> api_, api_by_token_;
  StandingOrders orders_;
  LedgerKeeper keeper_;
  Mover mover_{*this};
  std::unique_ptr<Inquiry> inquiry_;
  std::unique_ptr<Oracle> oracle_;  // null: nobody asks here
  Flush flush_{*this};
  Mirror mirror_{*this};
  Removals removals_{*this};
  Prober prober_;
  Discovery discovery_;
  std::unique_ptr<Reloader> reloader_;  // once the account has changed: it has a thread
  int64_t started_s_ = 0;
  size_t alive_ = 0;  // workers
  int result_ = 0;
};

}  // namespace postigo
