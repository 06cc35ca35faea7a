// Rates: how often something may happen in a second, by names, over all workers: a token bucket for each name.
//
// Pure: time is passed in, in milliseconds of a clock that never goes back. Any thread; one short lock a call. Bounded:
// without room the bucket that was used longest ago goes, and is full when its name comes back. For a fleet each door
// keeps its own buckets with its part of the rate: nothing of this is worth a round trip.
#pragma once

#include <cstdint>

#include "backends/ledger/striped.h"
#include "parser/base/bytes.h"

namespace postigo {

class Rates {
 public:
  Rates(size_t entries_max, SipKey key) : table_(entries_max, key) {}

  // One more of `name`: false, and not counted, if that is more than `per_s`; as many as two seconds bring may come at
  // once. 0: no limit, and nothing is looked at.
  bool take(const HashedName& name, uint64_t per_s, uint64_t now_ms);
  bool take(Bytes name, uint64_t per_s, uint64_t now_ms) {
    return per_s == 0 || take(table_.hashed(name), per_s, now_ms);
  }
  size_t size() const { return table_.size(); }

 private:
  struct Bucket {
    double spent = 0;  // as of at_ms
    uint64_t at_ms = 0;
  };
  Striped<Bucket> table_;
};

}  // namespace postigo
