// Bonds: while any session of a user is open, all of his new ones go to the same backend, and for some time after.
//
// A session holds a Bond from its login to its end. The first login of a user without a bond decides, before it
// connects, so that logins at the same moment agree. Names are compared whole: no two users share a bond. Backends are
// slots (BackendState::slot), which reloads do not change. Any thread; nothing blocks; outlives its bonds.
//
// This is what all doors of a platform must agree on. Within one process they are its workers, and Affinity is the
// answer; a fleet's is a shared engine (Valkey, Redis), which says the same words:
//
// - Lease. What an engine knows of a user is leased to each door that has sessions or logins of him: it renews the
// lease
//   while it has, the last session leaves `lapse_ms` behind, and what a dead door had lapses.
// - Copy. Within its lease a door may answer bind() by what it holds itself; look() answers by what was heard last,
// which
//   is a lease old at most.
// - Fence. The engine gives a bond a number that grows whenever its backend changes. move() and settle() are compared
//   with it and with the backend: who has slept beyond his lease binds afresh there, and hears `no` if the user has
//   been bound elsewhere meanwhile. Sessions whose lease is lost are let go, as those are whose backend is gone
//   (Mover::evict).
// - Nobody answers. Then the answer is `later`, and nothing has changed: no bond where there was none, and one that was
//   there as it was. It is asked again in the same words, a few times a second, and whoever asks gives up after a time
//   of his own: nothing is to be given back for a question, what an engine has kept of one lapses. A door that hears
//   nothing lives on its leases until they are over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "parser/base/bytes.h"

namespace postigo {

class Bonds {
 public:
  using Slot = uint32_t;

  enum class Answer : uint8_t {
    yes,
    no,
    later,  // nobody knows yet: ask again in a moment. Within one process that is never said
  };

  // What is known of a user.
  struct Known {
    Slot backend = 0;
    uint32_t sessions = 0, logins = 0;  // that hold it: logged in, and under way
    uint64_t lapses_in_ms = 0;          // without them
    bool held = false;                  // by a session, here or elsewhere: logins go there and nowhere else
  };

  // One session's part in the bond of its user.
  struct Part {
    std::string user;
    uint64_t lapse_ms = 0;
    Slot backend = 0;
    std::optional<Slot> home;
    bool shared = false, fresh = false, settled = false;
    void* place = nullptr;  // where who has answered finds it again; nobody else's business
  };

  // The same, given back when it goes. Empty: it has none.
  class Bond {
   public:
    Bond() = default;
    Bond(Bond&& other) noexcept { *this = std::move(other); }
    Bond& operator=(Bond&& other) noexcept {
      release();
      bonds_ = std::exchange(other.bonds_, nullptr);
      part_ = std::move(other.part_);
      return *this;
    }
    ~Bond() { release(); }
    explicit operator bool() const { return bonds_ != nullptr; }

    Slot backend() const { return part_.backend; }
    bool shared() const { return part_.shared; }  // a session of his was there already
    bool fresh() const { return part_.fresh; }    // none was anywhere, for long
    // The backend cannot be reached: he goes to `to`, or to where another login of his went meanwhile: see backend().
    // no: a session of his is where he is bound, so he stays. REQUIRES: a bond that is not settled.
    Answer move(Slot to) { return bonds_ != nullptr ? bonds_->move(part_, to) : Answer::no; }
    // The user is logged in there, and the bond outlives the session. no: another login of his has moved him, so this
    // one has to go on to backend().
    Answer settle() { return bonds_ != nullptr ? bonds_->settle(part_) : Answer::yes; }
    void release() {
      if (bonds_ != nullptr) std::exchange(bonds_, nullptr)->give_back(part_);
    }

   private:
    friend Bonds;
    Bonds* bonds_ = nullptr;
    Part part_;
  };

  // The bond of this user: the one that he has, else a new one to `choice`. Without a session he stays only if
  // stays(its backend), which is asked under a lock. `lapse_ms`: how long it outlives its last session. no: there is no
  // room for users beside those with sessions; the login goes on without a bond. `home`: that has his mail; none: any
  // has. REQUIRES: `bond` is empty; it is filled with `yes` alone.
  Answer bind(Bond& bond, Bytes user, Slot choice, uint64_t lapse_ms, const std::function<bool(Slot)>& stays,
              std::optional<Slot> home = std::nullopt) {
    bond.part_.user = user;
    bond.part_.lapse_ms = lapse_ms;
    bond.part_.home = home;
    const Answer answer = take(bond.part_, choice, stays);
    if (answer == Answer::yes) bond.bonds_ = this;
    return answer;
  }
  // For those who ask and do not come. None: he has no bond, or it has lapsed.
  virtual std::optional<Known> look(Bytes user) const = 0;

  // What bind() and a Bond say. `part` is as it was if the answer is `later`.
  virtual Answer take(Part& part, Slot choice, const std::function<bool(Slot)>& stays) = 0;
  virtual Answer move(Part& part, Slot to) = 0;
  virtual Answer settle(Part& part) = 0;
  virtual void give_back(const Part& part) = 0;

 protected:
  ~Bonds() = default;
};

}  // namespace postigo
