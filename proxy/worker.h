// Worker: one thread, one loop, its listeners, its sessions, its counters. Workers share nothing that is written per
// byte; a session never migrates.
//
// Made and bound on the main thread (privileged ports), run on its own, stopped through its mailbox.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backends/balance/siphash.h"
#include "backends/directory.h"
#include "parser/base/result.h"
#include "proxy/base/list.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/stats.h"
#include "proxy/net/env_uv.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/offload.h"
#include "proxy/net/resolver.h"
#include "proxy/session/places.h"
#include "proxy/session/session.h"
#include "proxy/snapshot.h"

namespace postigo {

// What workers have in common. Outlives them.
struct Shared {
  Shared(const config::Config& config, unsigned password_threads, Fleet& known)
      : fleet(known),
        lookups(config.startup.lookup_threads, config.startup.queue_max, config.live.limits.lookup_timeout_ms),
        passwords(password_threads, config.startup.queue_max, config.live.limits.lookup_timeout_ms) {}
  Fleet& fleet;
  Offload lookups, passwords;
  std::atomic<int64_t> sessions{0};  // touched twice per session
  int64_t sessions_max = 0;
  size_t login_memory_max = 0;  // of each worker
  Places places;
  static constexpr int64_t kRefusing = 32;  // descriptors kept to refuse politely beyond the limit
};

class Worker {
 public:
  Worker(Shared& shared, std::shared_ptr<const Snapshot> snapshot, unsigned index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before run(): binds every address of every listener with SO_REUSEPORT.
  Result<void> listen(const std::vector<config::Listener>& listeners);
  void start();     // REQUIRES: the snapshot's directories are open
  void stop();      // any thread: no new sessions, good-bye to the old ones, then the thread ends
  void stop_now();  // any thread: the same without good-bye, also if stop() was called before
  bool running() const { return running_; }  // any thread: between start() and the end of its thread
  void join();
  void abandon();  // main thread, instead of start(): closes what the constructor and listen() opened
  // Valid after join(): 0 when no handle leaked.
  int loop_result() const { return loop_result_; }

  WorkerStats& stats() { return stats_; }
  const WorkerStats& stats() const { return stats_; }

  // --- for sessions, on the worker's thread ---
  Loop& loop() { return loop_; }
  Places& places() { return shared_.places; }
  Fleet& fleet() { return shared_.fleet; }
  Resolver& resolver() { return *resolver_; }
  LoginMemory& login_memory() { return login_memory_; }
  Directory& directory() { return *directory_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  std::string next_session_id();
  std::string next_nonce();  // eight hexadecimal digits that nobody can guess (BackLogin::nonce)
  void retire(Session& session);
  bool stopping() const { return stopping_; }

 private:
  struct Door;  // a Listener with its frontend
  Result<void> bind(const config::Endpoint& endpoint, size_t frontend);
  void accept(size_t frontend_index, int fd, const Address& peer);
  void begin_stop();
  void maybe_end();

  Shared& shared_;
  std::shared_ptr<const Snapshot> snapshot_;
  unsigned index_;
  WorkerStats stats_;
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  EnvUv env_;
  LoginMemory login_memory_;
  std::unique_ptr<Resolver> resolver_;  // gone before the loop ends: it has sockets there
  std::unique_ptr<Directory> directory_;
  std::vector<std::unique_ptr<Door>> doors_;
  List<Session, SessionTag> sessions_;
  uint64_t alive_ = 0;
  uint64_t next_id_;
  SipKey nonce_key_;
  uint64_t nonces_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
  int loop_result_ = 0;
  std::atomic<bool> running_{false};
  std::thread thread_;
};

}  // namespace postigo
