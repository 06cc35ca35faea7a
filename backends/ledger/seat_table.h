// SeatTable: the seats of one process, in its memory; and what other processes of it have told.
//
// Any thread; taking and giving back are a short lock for each bound. Names are compared whole, and kept once, however
// many sessions they have. Workers call it as Seats; the rest is for the
// control thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backends/ledger/seats.h"
#include "backends/ledger/striped.h"

namespace postigo {

class SeatTable final : public Seats {
 public:
  explicit SeatTable(SipKey key);

  Taken take(std::span<const Bound> bounds) override;
  uint64_t taken(const Bound& bound) const;
  // Of each kind those of the one that has most: a walk over all that are counted, a stripe at a time.
  std::array<uint64_t, kSeatKinds> most() const;
  size_t size() const;  // users, addresses and networks that are counted

  // What other processes count of one stripe, all of it: it counts here, too. REQUIRES: they have the same key.
  using Counts = std::vector<std::pair<std::string, uint32_t>>;  // by names that only this class understands
  void mirror(size_t stripe, const Counts& counts);
  Counts counts(size_t stripe) const;  // those of sessions of this process
  size_t stripes() const { return tables_[0].stripes(); }

 private:
  struct Count {
    uint32_t here = 0, elsewhere = 0;
    uint32_t all() const { return here + elsewhere; }
    Keep keep() const { return all() == 0 ? Keep::gone : Keep::busy; }
  };
  using Table = Striped<Count>;
  HashedName name_of(const Bound& bound, const HashedName& whom) const;
  std::optional<HashedName> known_name(SeatKind kind, Bytes name) const;
  void give_back(const Place& place) override;
  HashedName hashed(Bytes name) const { return tables_[0].hashed(name); }
  Table& table(SeatKind kind) const { return tables_[static_cast<size_t>(kind)]; }

  mutable std::array<Table, kSeatKinds> tables_;  // a walk is no change, but may be one
};

}  // namespace postigo
