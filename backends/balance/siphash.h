// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit hash of octets, the same on every machine.
//
// Two uses: placing users on shards with a fixed key (rendezvous.h), because all nodes must agree; and our own hash
// tables with a key that nobody can guess (NameMap), because names come from strangers (A26).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "parser/base/bytes.h"

namespace postigo {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// Up to eight octets as a number, the first one lowest, on every machine.
constexpr uint64_t load_little_endian(Bytes from) {
  uint64_t word = 0;
  for (size_t i = 0; i < from.size(); ++i) word |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  return word;
}

// The key whose 16 octets are `text`. REQUIRES: text.size() == 16.
constexpr SipKey sip_key(Bytes text) {
  return {load_little_endian(text.substr(0, 8)), load_little_endian(text.substr(8))};
}

uint64_t siphash(const SipKey& key, Bytes bytes);
SipKey random_sip_key();  // that nobody can guess

// With a key drawn once per process.
struct SeededHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const;
};

// From names to values; look-ups by view allocate nothing.
template <typename Value>
using NameMap = std::unordered_map<std::string, Value, SeededHash, std::equal_to<>>;

}  // namespace postigo
