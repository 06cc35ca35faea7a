// NameIndex: where a name stands in a table, whatever its case, with one look instead of a search. Made by the
// compiler.
//
// Open addressing with a hash that anybody can compute: for tables of our own, in which a peer can only look up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/base/ascii.h"

namespace postigo {

// FNV-1a.
constexpr uint64_t hash_ignoring_case(Bytes name) {
  uint64_t value = 0xcbf29ce484222325;
  for (char c : name) value = (value ^ static_cast<unsigned char>(to_upper(c))) * 0x100000001b3;
  return value;
}

template <size_t kNames>
class NameIndex {
 public:
  static constexpr size_t kNowhere = kNames;

  // `names` outlives the index; none of them stands there twice.
  constexpr explicit NameIndex(const std::array<std::string_view, kNames>& names) : names_(names) {
    slots_.fill(kNowhere);
    for (size_t i = 0; i < kNames; ++i) {
      size_t at = hash_ignoring_case(names[i]) % kSlots;
      while (slots_[at] != kNowhere) at = (at + 1) % kSlots;
      slots_[at] = static_cast<uint8_t>(i);
    }
  }

  // The position in the table, or kNowhere.
  constexpr size_t find(Bytes name) const {
    for (size_t at = hash_ignoring_case(name) % kSlots; slots_[at] != kNowhere; at = (at + 1) % kSlots) {
      if (equal_ignoring_case(names_[slots_[at]], name)) return slots_[at];
    }
    return kNowhere;
  }

 private:
  static constexpr size_t kSlots = 256;
  static_assert(kNames < kSlots / 2, "empty slots end a search, and there are to be many");

  const std::array<std::string_view, kNames>& names_;
  std::array<uint8_t, kSlots> slots_{};
};

}  // namespace postigo
