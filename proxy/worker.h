// Worker: one thread, one loop, its listeners, its sessions, its counters. Workers share nothing that is written per
// byte; a session never migrates.
//
// Made on the control thread, run on its own; told of a new snapshot, and to stop, through its mailbox.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backends/balance/places.h"
#include "backends/balance/siphash.h"
#include "backends/directory.h"
#include "backends/ledger/ledger.h"
#include "backends/ledger/limiter.h"
#include "backends/ledger/penalty.h"
#include "backends/ledger/seat_table.h"
#include "backends/work/descriptor.h"
#include "backends/work/offload.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/stats.h"
#include "proxy/net/env_uv.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/resolver.h"
#include "proxy/session/drain_plan.h"
#include "proxy/session/host.h"
#include "proxy/session/ready_pool.h"
#include "proxy/session/roll.h"
#include "proxy/snapshot.h"

namespace postigo {

// What is known of the exchanges of configuration. One writer (the control thread), any reader.
struct Loads {
  std::atomic<int64_t> succeeded_s{0}, attempted_s{0};  // unix time
  std::atomic<bool> good{true};                         // the newest attempt
  std::string hash() const {
    std::lock_guard lock(mutex_);
    return hash_;
  }
  void set_hash(std::string hash) {
    std::lock_guard lock(mutex_);
    hash_ = std::move(hash);
  }

 private:
  mutable std::mutex mutex_;
  std::string hash_;  // of the configuration in effect
};

// What workers have in common. Outlives them.
struct Shared {
  // `own_key`: of the tables whose names come from strangers.
  Shared(const config::Config& config, unsigned password_threads, Fleet& known, SipKey own_key = random_sip_key())
      : fleet(known),
        key(own_key),
        ledger(config.startup.affinity_users_max, key, [] { return uv_hrtime() / 1'000'000; }),
        lookups(config.startup.lookup_threads, config.startup.queue_max, config.live.limits.lookup_timeout_ms),
        passwords(password_threads, config.startup.queue_max, config.live.limits.lookup_timeout_ms),
        penalties(config.startup.penalty_entries, key),
        seats(key),
        limiter(seats, key) {}
  Fleet& fleet;
  const SipKey key;
  Ledger ledger;
  Offload lookups, passwords;
  std::atomic<int64_t> sessions{0};  // touched twice per session
  std::atomic<int64_t> sessions_max{0};
  std::atomic<bool> draining{false};        // sessions are asked to go, and /readyz says 503
  std::atomic<size_t> login_memory_max{0};  // of each worker
  Places places;
  Traces traces;
  Penalties penalties;
  SeatTable seats;
  Limiter limiter;
  MemoryCeiling ceiling;
  Published published;
  Loads loads;
  static constexpr int64_t kRefusing = 32;  // descriptors kept to refuse politely beyond the limit
};

// Listening descriptors by address (Address::text()), for one worker.
using Handout = std::map<std::string, std::vector<Descriptor>>;

class Worker final : public Host {
 public:
  Worker(Shared& shared, std::shared_ptr<const Snapshot> snapshot);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before start(): the descriptors of all addresses of the snapshot's listeners.
  void listen(Handout doors);
  // `ended` is called on the worker's thread when it is about to end. REQUIRES: the snapshot's directories are open.
  void start(std::function<void()> ended = nullptr);
  // Any thread: takes effect soon, for all that begins then. `doors`: of the addresses that it did not listen on yet;
  // those that the snapshot does not name are closed, behind those who have knocked already.
  // REQUIRES: make_room() was called since the snapshot was made.
  void exchange(std::shared_ptr<const Snapshot> snapshot, Handout doors);
  // Any thread, all of these; each may follow those above it.
  void drain(uint64_t over_ms);      // relays of now go, spread over that time; who comes is served as ever
  void undrain();                    // who has not gone yet stays
  void hand_over(uint64_t over_ms);  // no new sessions, they are another process's; relays as in drain(); then it ends
  void end(uint64_t over_ms);        // no new sessions; logins go now, relays as in drain(); then the thread ends
  void stop();                       // the same at once, whoever is in the middle of a response
  void stop_now();                   // the same without good-bye
  // Any thread: `answer` is run on the worker's, or destroyed if that has ended.
  void ask(std::function<void()> answer) { mailbox_->post(std::move(answer)); }
  // Shows all sessions of now to `visit`, a few per turn, until it says false; then `done`. Both are called on the
  // worker's thread; `visit` may close the session. Neither is called if the thread ends first, but both are destroyed.
  void walk(std::function<bool(Session&)> visit, std::function<void()> done);
  bool running() const { return running_; }  // any thread: between start() and the end of its thread
  void join();
  void abandon();  // main thread, instead of start(): closes what the constructor and listen() opened
  // Valid after join(): 0 when no handle leaked.
  int loop_result() const { return loop_result_; }

  void make_room();  // control thread: counters for all that the fleet knows by now

  using Host::stats;
  const WorkerStats& stats() const { return stats_; }

 private:
  // For its sessions, on its thread.
  const std::shared_ptr<const Snapshot>& snapshot() const override { return snapshot_; }
  Resolver& resolver() override { return *resolver_; }
  const std::shared_ptr<Policy>& policy() override { return policy_; }
  Directory& directory() override { return *directory_; }
  SessionId next_session_id() override;
  std::string next_nonce() override;
  bool take_refusal() override;
  void give_refusal() override { --refusals_; }
  bool stopping() const override { return stopping_; }
  void retire(Session& session) override;

  struct Door;  // a Listener with its frontend
  void accept(const std::shared_ptr<const Frontend>& frontend, int fd, const Address& peer);
  void take(std::shared_ptr<const Snapshot> snapshot, Handout doors);
  void change_doors(Handout fresh);
  void report_memory();
  void change_resolver();
  std::shared_ptr<Policy> make_policy();
  DrainPlan plan(uint64_t over_ms) const;
  void begin_end();
  void begin_stop();
  void maybe_end();

  Shared& shared_;
  std::shared_ptr<const Snapshot> snapshot_;
  WorkerStats stats_;
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  HttpClient http_;
  EnvUv env_;
  LoginMemory login_memory_;
  std::unique_ptr<Resolver> resolver_;           // gone before the loop ends: it has sockets there
  std::unique_ptr<Resolver> previous_resolver_;  // of the settings before: questions that are under way
  std::unique_ptr<Directory> directory_;
  std::shared_ptr<Policy> policy_;
  std::map<std::string, std::unique_ptr<Door>> doors_;  // by address
  ReadyPool ready_;
  Roll roll_;
  uint64_t next_id_;
  SipKey nonce_key_;
  uint64_t nonces_ = 0;
  int64_t reported_ = 0;   // to the ceiling
  int64_t refusals_ = 0;   // under way
  bool ending_ = false;    // no new sessions
  bool stopping_ = false;  // and none of the old ones is waited for
  bool ended_ = false;
  int loop_result_ = 0;
  std::atomic<bool> running_{false};
  std::thread thread_;
};

using Workers = std::vector<std::unique_ptr<Worker>>;
AllStats stats_of(const Workers& workers);

}  // namespace postigo
