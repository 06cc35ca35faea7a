// Counting. Not here: what a session that finds no seat is told (proxy/session).
#include "backends/ledger/seat_table.h"

#include <algorithm>
#include <cstring>

namespace postigo {
namespace {

constexpr size_t kEntriesMax = size_t{1} << 30;  // sessions bound them: each has a few

}  // namespace

SeatTable::SeatTable(SipKey key)
    : low_(key), high_{key.k1 ^ 0x9e3779b97f4a7c15, key.k0 ^ 0xc2b2ae3d27d4eb4f}, table_(kEntriesMax, key) {}

Seats::Key SeatTable::key_of(const Bound& bound) const {
  // Hashed apart, so that no two pairs are alike.
  const uint64_t where = bound.where.empty() ? 0 : siphash(low_, bound.where);
  const std::array<uint64_t, 2> words = {siphash({low_.k0 ^ where, low_.k1}, bound.whom),
                                         siphash({high_.k0 ^ where, high_.k1}, bound.whom)};
  Key key{static_cast<char>(bound.kind)};
  std::memcpy(key.data() + 1, words.data(), sizeof(words));
  return key;
}

Seats::Taken SeatTable::take(std::span<const Bound> bounds) {
  std::unique_ptr<Held> held;
  for (const Bound& bound : bounds) {
    if (bound.max == 0) continue;
    const Key key = key_of(bound);
    bool room = false;
    table_.change(view(key), [&](Count& count) {
      room = count.all() < bound.max;
      count.here += room ? 1 : 0;
      return count.keep();
    });
    if (!room) {
      if (held != nullptr) give_back(*held);
      return {false, bound.kind, {}};
    }
    if (held == nullptr) held = std::make_unique<Held>(Held{.seats = this});
    held->keys[held->count++] = key;
  }
  return {true, {}, Seat(std::move(held))};
}

void SeatTable::give_back(const Held& held) {
  for (size_t i = 0; i < held.count; ++i) {
    table_.touch(view(held.keys[i]), [](Count& count) {
      --count.here;
      return count.keep();
    });
  }
}

std::array<uint64_t, kSeatKinds> SeatTable::most() const {
  std::array<uint64_t, kSeatKinds> most{};
  for (size_t stripe = 0; stripe < table_.stripes(); ++stripe) {
    table_.visit(stripe, [&](Bytes key, const Count& count) {
      uint64_t& kind = most[static_cast<size_t>(key[0])];
      kind = std::max<uint64_t>(kind, count.all());
      return count.keep();
    });
  }
  return most;
}

void SeatTable::mirror(size_t stripe, const Counts& counts) {
  table_.visit(stripe, [](Bytes, Count& count) {
    count.elsewhere = 0;
    return Keep::busy;
  });
  for (const auto& [name, number] : counts) {
    bool known = name.size() == std::tuple_size_v<Key> && static_cast<size_t>(name[0]) < kSeatKinds;
    if (!known) continue;
    table_.change(name, [number = number](Count& count) {
      count.elsewhere += number;
      return count.keep();
    });
  }
  table_.visit(stripe, [](Bytes, const Count& count) { return count.keep(); });
}

SeatTable::Counts SeatTable::counts(size_t stripe) const {
  Counts found;
  table_.visit(stripe, [&](Bytes key, const Count& count) {
    if (count.here > 0) found.emplace_back(key, count.here);
    return count.keep();
  });
  return found;
}

uint64_t SeatTable::taken(const Bound& bound) const {
  uint64_t found = 0;
  table_.look(view(key_of(bound)), [&](const Count& count) { found = count.all(); });
  return found;
}

}  // namespace postigo
