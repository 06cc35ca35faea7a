// Counting. Not here: what a session that finds no seat is told (proxy/session).
#include "backends/ledger/seat_table.h"

#include <algorithm>
#include <bit>

namespace postigo {
namespace {

constexpr size_t kEntriesMax = size_t{1} << 30;  // sessions bound them: each has a few

// A user and an address as one name; their own hashes make its hash.
HashedName pair_of(const HashedName& user, const HashedName& address) {
  thread_local std::string name;  // keeps its memory
  name.assign(1, static_cast<char>(address.name.size())).append(address.name).append(user.name);
  return {name, user.hash + std::rotl(address.hash, 32)};
}

}  // namespace

SeatTable::SeatTable(SipKey key)
    : tables_{Table(kEntriesMax, key), Table(kEntriesMax, key), Table(kEntriesMax, key), Table(kEntriesMax, key)} {}

HashedName SeatTable::name_of(const Bound& bound, const HashedName& whom) const {
  return bound.kind == SeatKind::user_address ? pair_of(whom, hashed(bound.where)) : whom;
}

// Of what another process says. Nothing if it is no name of this kind.
std::optional<HashedName> SeatTable::known_name(SeatKind kind, Bytes name) const {
  if (kind != SeatKind::user_address) return hashed(name);
  const size_t size = name.empty() ? 0 : static_cast<unsigned char>(name[0]);
  if (name.size() < 1 + size) return std::nullopt;
  return pair_of(hashed(name.substr(1 + size)), hashed(name.substr(1, size)));
}

Seats::Taken SeatTable::take(std::span<const Bound> bounds) {
  Taken taken;
  HashedName whom;
  for (const Bound& bound : bounds) {
    if (bound.max == 0) continue;
    // Both bounds of a user have one name.
    const bool again =
        !whom.name.empty() && whom.name.data() == bound.whom.data() && whom.name.size() == bound.whom.size();
    if (!again) whom = hashed(bound.whom);
    bool room = false;
    Table::Pin pin;
    auto sit = [&](Count& count) {
      room = count.all() < bound.max;
      count.here += room ? 1 : 0;
      return count.keep();
    };
    table(bound.kind).change(name_of(bound, whom), sit, &pin);
    if (!room) return {false, bound.kind, {}};
    taken.seat.hold(*this, {bound.kind, pin.address()});
  }
  return taken;
}

// It is busy as long as this place is held.
void SeatTable::give_back(const Place& place) {
  table(place.kind).change(Table::Pin(place.where), [](Count& count) {
    --count.here;
    return count.keep();
  });
}

std::array<uint64_t, kSeatKinds> SeatTable::most() const {
  std::array<uint64_t, kSeatKinds> most{};
  for (size_t kind = 0; kind < kSeatKinds; ++kind) {
    for (size_t stripe = 0; stripe < stripes(); ++stripe) {
      tables_[kind].visit(stripe, [&](Bytes, const Count& count) {
        most[kind] = std::max<uint64_t>(most[kind], count.all());
        return count.keep();
      });
    }
  }
  return most;
}

size_t SeatTable::size() const {
  size_t all = 0;
  for (const Table& each : tables_) all += each.size();
  return all;
}

void SeatTable::mirror(size_t stripe, const Counts& counts) {
  auto in_all = [&](auto&& what) {
    for (Table& each : tables_) each.visit(stripe, [&](Bytes, Count& count) { return what(count); });
  };
  in_all([](Count& count) {
    count.elsewhere = 0;
    return Keep::busy;
  });
  for (const auto& [name, number] : counts) {
    if (name.empty() || static_cast<unsigned char>(name[0]) >= kSeatKinds) continue;
    const auto kind = static_cast<SeatKind>(name[0]);
    const auto whom = known_name(kind, Bytes(name).substr(1));
    if (!whom) continue;
    table(kind).change(*whom, [number = number](Count& count) {
      count.elsewhere += number;
      return count.keep();
    });
  }
  in_all([](const Count& count) { return count.keep(); });
}

SeatTable::Counts SeatTable::counts(size_t stripe) const {
  Counts found;
  for (size_t kind = 0; kind < kSeatKinds; ++kind) {
    tables_[kind].visit(stripe, [&](Bytes name, const Count& count) {
      if (count.here > 0) found.emplace_back(std::string(1, static_cast<char>(kind)).append(name), count.here);
      return count.keep();
    });
  }
  return found;
}

uint64_t SeatTable::taken(const Bound& bound) const {
  uint64_t found = 0;
  table(bound.kind).look(name_of(bound, hashed(bound.whom)), [&](const Count& count) { found = count.all(); });
  return found;
}

}  // namespace postigo
