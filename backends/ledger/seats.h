// Seats: how many sessions each user, address and network has over all workers, and whether one more may be.
//
// Any thread; taking and giving back are a short lock for each bound. A name that has no session takes no room.
// For a fleet the counts are a shared engine's: taking is a lease that the door renews while the session lives, and
// that lapses when the door dies; without an answer in time the door counts its own sessions only. A count may be a
// moment old, so a limit is passed by as many as come at the same moment elsewhere, never by more.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backends/ledger/striped.h"
#include "parser/base/bytes.h"

namespace postigo {

// What a limit is about.
enum class SeatKind : uint8_t { user, user_address, address, network };
inline constexpr size_t kSeatKinds = 4;

class Seats {
 public:
  struct Bound {
    SeatKind kind;
    Bytes whom;        // the user, or the octets of the address
    uint64_t max;      // 0: none, and it is not counted
    Bytes where = {};  // of user_address: the address
  };

  // One session under its bounds; gives its places back when it goes. Outlived by Seats.
  class Seat {
   public:
    Seat();
    Seat(Seat&& other) noexcept;
    Seat& operator=(Seat&& other) noexcept;
    ~Seat();
    explicit operator bool() const { return held_ != nullptr; }
    void release();

   private:
    friend class Seats;
    struct Held;
    std::unique_ptr<Held> held_;  // null: it counts nowhere
  };
  struct Taken {
    bool ok = true;
    SeatKind full{};  // which one it was, if not
    Seat seat;        // counts nowhere if nothing is bounded
  };

  explicit Seats(SipKey key);

  Taken take(std::span<const Bound> bounds);  // all of them, or none. REQUIRES: at most kSeatKinds
  uint64_t taken(const Bound& bound) const;
  // Of each kind those of the one that has most: a walk over all that are counted, a stripe at a time.
  std::array<uint64_t, kSeatKinds> most() const;
  size_t size() const { return table_.size(); }

  // What other processes count of one stripe, all of it: it counts here, too. REQUIRES: they have the same key.
  using Counts = std::vector<std::pair<std::string, uint32_t>>;  // by a name that says nothing about whom
  void mirror(size_t stripe, const Counts& counts);
  Counts counts(size_t stripe) const;  // those of sessions of this process
  size_t stripes() const { return table_.stripes(); }

 private:
  struct Count {
    uint32_t here = 0, elsewhere = 0;
    uint32_t all() const { return here + elsewhere; }
    Keep keep() const { return all() == 0 ? Keep::gone : Keep::busy; }
  };
  // The kind and a keyed hash of 128 bits: names are long, and every session keeps these.
  using Key = std::array<char, 17>;
  Key key_of(const Bound& bound) const;
  void give_back(const Key& key);
  static Bytes view(const Key& key) { return {key.data(), key.size()}; }

  const SipKey low_, high_;
  mutable Striped<Count> table_;  // a walk is no change, but may be one
};

}  // namespace postigo
