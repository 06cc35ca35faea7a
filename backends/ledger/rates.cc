// Token buckets, counted by what was taken: a new one is full. Not here: what may come how often (config).
#include "backends/ledger/rates.h"

#include <algorithm>

namespace postigo {

bool Rates::take(const HashedName& name, uint64_t per_s, uint64_t now_ms) {
  if (per_s == 0) return true;
  constexpr double kBurstS = 2;
  const auto rate = static_cast<double>(per_s);
  bool taken = true;
  table_.change(name, [&](Bucket& bucket) {
    const int64_t passed_ms = std::max<int64_t>(static_cast<int64_t>(now_ms - bucket.at_ms), 0);
    bucket.spent = std::max(0.0, bucket.spent - static_cast<double>(passed_ms) / 1000 * rate);
    bucket.at_ms = std::max(bucket.at_ms, now_ms);
    taken = bucket.spent + 1 <= rate * kBurstS;
    bucket.spent += taken ? 1 : 0;
    return Keep::spare;
  });
  return taken;
}

}  // namespace postigo
