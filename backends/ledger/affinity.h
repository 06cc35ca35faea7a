// Affinity: the bonds of one process, in its memory.
//
// Any thread; one short lock per call. It never says `later`. Bounded: strangers cannot push out who is logged in, and
// a login that never came in leaves nothing. Workers call it as Bonds; the rest is for the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "backends/balance/siphash.h"
#include "backends/ledger/bonds.h"
#include "backends/ledger/striped.h"

namespace postigo {

class Affinity final : public Bonds {
 public:
  using Clock = std::function<uint64_t()>;  // monotonic milliseconds, on any thread

  // `clock` is called under a lock, often. Holds at most `users_max` users.
  Affinity(size_t users_max, SipKey key, Clock clock);

  std::optional<Known> look(Bytes user) const override;
  Answer take(Part& part, Slot choice, const std::function<bool(Slot)>& stays) override;
  Answer move(Part& part, Slot to) override;
  Answer settle(Part& part) override;
  void give_back(const Part& part) override;

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
  // Users with sessions in this process, and those of them who are not at their home, as their last login has it.
  uint64_t present() const { return present_.load(std::memory_order_relaxed); }
  uint64_t away() const { return away_.load(std::memory_order_relaxed); }

 private:
  struct Place {
    uint64_t lapses_ms = 0;  // 0: with its last session
    Slot backend = 0;
    uint32_t sessions = 0, logins = 0;
    bool elsewhere = false;  // a session in another process
    bool away = false;       // his sessions are not at his home
    bool held() const { return sessions > 0 || elsewhere; }
  };
  using Table = Striped<Place>;
  static Table::Pin pin_of(const Part& part) { return Table::Pin(part.place); }  // busy as long as there is the part
  static Keep keep(const Place& place, uint64_t now_ms);
  void count_home(Place& place, bool away);
  static Known known(const Place& place, uint64_t now_ms);

  const size_t users_max_;
  const Clock clock_;
  Table table_;
  std::atomic<uint64_t> unbound_{0}, redirected_{0}, moved_{0}, present_{0}, away_{0};
};

}  // namespace postigo
