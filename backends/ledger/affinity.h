// Affinity: while any session of a user is open, all of his new ones go to the same backend, and for some time after.
//
// A session holds a Bond from its login to its end. The first login of a user without a bond decides, under the lock of
// his stripe and before it connects, so that logins at the same moment agree. Names are compared whole: no two users
// share a bond. Backends are slots (BackendState::slot), which reloads do not change. Any thread; one short lock per
// call. Bounded: strangers cannot push out who is logged in, and a login that never came in leaves nothing.
//
// For a fleet (Valkey, Redis): a bond is a lease that a door renews while it has sessions of the user; the time after
// them is its rest. bind(), move() and settle() are compare-and-set on the backend, with a number that grows whenever
// it changes: settle() is where a door that has slept is fenced off. A door that cannot renew in time lets these
// sessions go; one that hears nothing binds by what it knew last, for one lease, and from then on says "not now".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "backends/balance/siphash.h"
#include "backends/ledger/striped.h"

namespace postigo {

class Affinity {
 public:
  using Slot = uint32_t;
  using Clock = std::function<uint64_t()>;  // monotonic milliseconds, on any thread

  // What is known of a user.
  struct Known {
    Slot backend = 0;
    uint32_t sessions = 0, logins = 0;  // that hold it: logged in, and under way
    uint64_t lapses_in_ms = 0;          // without them
    bool held = false;                  // by a session, here or elsewhere: logins go there and nowhere else
  };

  // One session's part in the bond of its user; given back when it goes. Empty: it has none.
  class Bond {
   public:
    Bond() = default;
    Bond(Bond&& other) noexcept { *this = std::move(other); }
    Bond& operator=(Bond&& other) noexcept {
      release();
      affinity_ = std::exchange(other.affinity_, nullptr);
      user_ = std::move(other.user_);
      backend_ = other.backend_;
      shared_ = other.shared_;
      fresh_ = other.fresh_;
      settled_ = other.settled_;
      lapse_ms_ = other.lapse_ms_;
      return *this;
    }
    ~Bond() { release(); }
    explicit operator bool() const { return affinity_ != nullptr; }

    Slot backend() const { return backend_; }
    bool shared() const { return shared_; }  // a session of his was there already
    bool fresh() const { return fresh_; }    // none was anywhere, for long
    // The backend cannot be reached: he goes to `to`, or to where another login of his went meanwhile: see backend().
    // False: a session of his is where he is bound, so he stays. REQUIRES: a bond that is not settled.
    bool move(Slot to);
    // The user is logged in there, and the bond outlives the session. False: another login of his has moved him, so
    // this one has to go on to backend().
    bool settle();
    void release();

   private:
    friend Affinity;
    Affinity* affinity_ = nullptr;
    std::string user_;
    Slot backend_ = 0;
    bool shared_ = false, fresh_ = false, settled_ = false;
    uint64_t lapse_ms_ = 0;
  };

  // `clock` is called under a lock, often. Holds at most `users_max` users.
  Affinity(size_t users_max, SipKey key, Clock clock);

  // The bond of this user: the one that he has, else a new one to `choice`. Without a session he stays only if
  // stays(its backend), which is asked under the lock. `lapse_ms`: how long it outlives its last session. Empty if the
  // table is full of users with sessions: the login goes on without one.
  Bond bind(Bytes user, Slot choice, uint64_t lapse_ms, const std::function<bool(Slot)>& stays);
  std::optional<Known> look(Bytes user) const;  // none: he has no bond, or it has lapsed
  // Without a session it is forgotten at once. False: one holds it.
  bool forget(Bytes user);
  // What a predecessor knew: it lasts so long, unless this process knows better.
  void adopt(Bytes user, Slot backend, uint64_t lapses_in_ms);
  // Those of one stripe whom sessions in other processes hold, all of them, and where. Whoever was one of them and is
  // not named any more has lapsed after `lapse_ms`. REQUIRES: the other processes have the same key.
  void mirror(size_t stripe, const NameMap<Slot>& users, uint64_t lapse_ms);
  void let_go(Bytes user);  // no session in another process holds him any more

  // All users, a stripe at a time, so that nobody waits for long; those that have lapsed are forgotten on the way.
  size_t stripes() const { return table_.stripes(); }
  void visit(size_t stripe, const std::function<void(Bytes user, const Known&)>& what);

  size_t users() const { return table_.size(); }  // lapsed ones that were not visited yet included
  size_t users_max() const { return users_max_; }
  uint64_t unbound() const { return unbound_.load(std::memory_order_relaxed); }        // logins without: it was full
  uint64_t redirected() const { return redirected_.load(std::memory_order_relaxed); }  // bound elsewhere than `choice`
  uint64_t moved() const { return moved_.load(std::memory_order_relaxed); }            // Bond::move

 private:
  struct Place {
    uint64_t lapses_ms = 0;  // 0: with its last session
    Slot backend = 0;
    uint32_t sessions = 0, logins = 0;
    bool elsewhere = false;  // a session in another process
    bool held() const { return sessions > 0 || elsewhere; }
  };
  void give_back(const Bond& bond);
  bool move(Bond& bond, Slot to);
  bool settle(Bond& bond);
  static Keep keep(const Place& place, uint64_t now_ms);
  static Known known(const Place& place, uint64_t now_ms);

  const size_t users_max_;
  const Clock clock_;
  Striped<Place> table_;
  std::atomic<uint64_t> unbound_{0}, redirected_{0}, moved_{0};
};

}  // namespace postigo
