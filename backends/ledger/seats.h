// Seats: how many sessions each user, address and network has, and whether one more may be.
//
// Any thread; nothing blocks; outlives its seats. A name that has no session takes no room.
//
// All doors of a platform count together. Within one process they are its workers, and SeatTable is the answer; a
// fleet's is a shared engine (Valkey, Redis):
//
// - Lease. What a door has taken is leased to it: it renews that while its sessions live, and what a dead door had
//   lapses.
// - Copy. take() is always answered at once, from what the door counts itself and what it has heard of the others,
// which
//   is a second old at most. So a limit is passed by as many as come elsewhere at the same moment, and by no more.
// - Fence. Counts are each door's own and only added up: who has slept says anew how many it has, and spoils nobody's.
// - Nobody answers. What was heard of other doors counts until their leases are over; then a door counts its own alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

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

  // What a seat holds of one bound.
  struct Place {
    SeatKind kind{};
    void* where = nullptr;  // who has given it finds it again there; nobody else's business
  };
  static constexpr size_t kBoundsMost = 2;  // of one seat

  // One session under its bounds; gives its places back when it goes.
  class Seat {
   public:
    Seat() = default;
    Seat(Seat&& other) noexcept { *this = std::move(other); }
    Seat& operator=(Seat&& other) noexcept {
      release();
      seats_ = other.seats_;
      places_ = other.places_;
      count_ = std::exchange(other.count_, size_t{0});
      return *this;
    }
    ~Seat() { release(); }
    explicit operator bool() const { return count_ != 0; }
    void release() {
      while (count_ > 0) seats_->give_back(places_[--count_]);
    }
    // For Seats alone. REQUIRES: fewer than kBoundsMost are held, all of the same Seats.
    void hold(Seats& seats, Place place) {
      seats_ = &seats;
      places_[count_++] = place;
    }

   private:
    Seats* seats_ = nullptr;
    std::array<Place, kBoundsMost> places_;
    size_t count_ = 0;  // 0: it counts nowhere
  };
  struct Taken {
    bool ok = true;
    SeatKind full{};  // which one it was, if not
    Seat seat;        // counts nowhere if nothing is bounded
  };

  // All of them, or none. REQUIRES: at most kBoundsMost.
  virtual Taken take(std::span<const Bound> bounds) = 0;

 protected:
  ~Seats() = default;

 private:
  virtual void give_back(const Place& place) = 0;
};

}  // namespace postigo
