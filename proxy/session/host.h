// Host: what a session asks of where it lives. That is a Worker; in tests, what stands for one (tests/unit/proxy).
//
// Outlives its sessions. All of it on one thread, which is the loop's.
#pragma once

#include <memory>
#include <string>

#include "backends/balance/places.h"
#include "backends/directory.h"
#include "backends/ledger/bonds.h"
#include "backends/ledger/guesses.h"
#include "backends/ledger/holds.h"
#include "backends/ledger/limiter.h"
#include "backends/ledger/moves.h"
#include "proxy/base/stats.h"
#include "proxy/net/loop.h"
#include "proxy/net/resolver.h"
#include "proxy/session/login_memory.h"
#include "proxy/session/memory_ceiling.h"
#include "proxy/session/summary.h"
#include "proxy/session/trace.h"
#include "proxy/snapshot.h"

namespace postigo {

class Policy;
class ReadyPool;
class Session;

class Host {
 public:
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Loop& loop() { return parts_.loop; }
  WorkerStats& stats() { return parts_.stats; }
  LoginMemory& login_memory() { return parts_.login_memory; }
  // What all hosts of the process share.
  Fleet& fleet() { return parts_.fleet; }
  Places& places() { return parts_.places; }
  Traces& traces() { return parts_.traces; }
  Bonds& bonds() { return parts_.bonds; }
  const Moves& moves() const { return parts_.moves; }
  Holds& holds() { return parts_.holds; }
  Guesses& guesses() { return parts_.guesses; }
  Limiter& limiter() { return parts_.limiter; }
  MemoryCeiling& ceiling() { return parts_.ceiling; }
  ReadyPool& ready() { return parts_.ready; }  // of this host alone

  // The newest; an exchange replaces these two.
  virtual const std::shared_ptr<const Snapshot>& snapshot() const = 0;
  virtual Resolver& resolver() = 0;
  virtual Directory& directory() = 0;
  virtual const std::shared_ptr<Policy>& policy() = 0;  // null: none is to be asked

  virtual SessionId next_session_id() = 0;
  virtual std::string next_nonce() = 0;  // eight hexadecimal digits that nobody can guess (BackLogin::nonce)
  virtual bool take_refusal() = 0;       // room for one more who is told that he is refused; to be given back
  virtual void give_refusal() = 0;
  virtual bool stopping() const = 0;          // nobody is waited for any more
  virtual void retire(Session& session) = 0;  // its end: counts, writes the log line, buries it

 protected:
  struct Parts {
    Loop& loop;
    WorkerStats& stats;
    LoginMemory& login_memory;
    Fleet& fleet;
    Places& places;
    Traces& traces;
    Bonds& bonds;
    const Moves& moves;
    Holds& holds;
    Guesses& guesses;
    Limiter& limiter;
    MemoryCeiling& ceiling;
    ReadyPool& ready;
  };
  // Of the parts only the addresses are taken; whoever derives from this may make them later.
  explicit Host(const Parts& parts) : parts_(parts) {}
  ~Host() = default;

 private:
  Parts parts_;
};

}  // namespace postigo
