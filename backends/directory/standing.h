// Standing: what the last attempts at a name say about the next one. It decides only who waits for whom (README.md),
// never who may come in.
//
// Nothing of a password is kept but eight bits of a keyed hash (SipHash, a key drawn once): they tell the right one
// from 255 of 256 guesses, and say too little to find it by. Names of users who exist only; a table of a fixed size,
// where a new name may take the place of an old one. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "backends/balance/siphash.h"
#include "backends/env.h"
#include "parser/base/secret.h"

namespace postigo {

class Standing {
 public:
  Standing();

  // first: this looks like the password that was right last time, for the same stored one. last: the name's attempts
  // have failed within the last minute. usual: everybody else.
  Turn::Rank rank(std::string_view name, const Secret& password, std::string_view stored, uint64_t now_ms) const;

  void succeeded(std::string_view name, const Secret& password, std::string_view stored);
  void failed(std::string_view name, uint64_t now_ms);

 private:
  struct Row {
    uint64_t name = 0;  // its hash; 0: a free row
    uint64_t suspect_until_ms = 0;
    uint8_t mark = 0;
    bool has_mark = false;
  };
  uint64_t hash(std::string_view name) const;
  uint8_t mark(const Secret& password, std::string_view stored) const;
  Row& claim(uint64_t name);

  std::array<SipKey, 2> keys_;
  mutable std::mutex mutex_;
  std::vector<Row> rows_;
};

}  // namespace postigo
