// Token buckets, counted by what was taken: a new one is full. Not here: what may come how often (config).
#include "backends/ledger/rates.h"

#include <algorithm>

namespace postigo {

bool Rates::take(Bytes name, uint64_t per_s, uint64_t now_ms) {
  if (per_s == 0) return true;
  constexpr double kBurstS = 2;
  const auto rate = static_cast<double>(per_s);
  bool taken = true;
  table_.change(name, [&](Bucket& bucket) {
    double passed_s = static_cast<double>(now_ms > bucket.at_ms ? now_ms - bucket.at_ms : 0) / 1000;
    bucket.spent = std::max(0.0, bucket.spent - passed_s * rate);
    bucket.at_ms = std::max(bucket.at_ms, now_ms);
    taken = bucket.spent + 1 <= rate * kBurstS;
    bucket.spent += taken ? 1 : 0;
    return Keep::spare;
  });
  return taken;
}

}  // namespace postigo
