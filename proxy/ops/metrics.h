// Metrics: names and labels for what the workers count, made at scrape time.
//
// Any thread. Sums over workers; never a user, an address or an error text in a label.
#pragma once

#include <prometheus/collectable.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/snapshot.h"
#include "proxy/worker.h"

namespace postigo {

// Of the processes that served before this one and still have sessions, as they said a moment ago. One writer (the
// control thread), any reader.
struct PredecessorCounts {
  std::atomic<uint64_t> processes{0}, sessions{0};
};

// What a scrape needs to know beside the workers' counters. All outlive it.
struct MetricsSource {
  const Shared* shared = nullptr;
  const Snapshot* snapshot = nullptr;  // the newest, for one scrape: Collect() fills it in
  AllStats workers;
  uint64_t fds_limit = 0;
  int64_t start_time_s = 0;
  std::string version, boringssl;
  const PredecessorCounts* predecessors = nullptr;  // null: there cannot be any
};

class Families;
// Part of Collect(): what the process as a whole is and uses.
void process_families(Families& out, const MetricsSource& source);
void health_families(Families& out, const MetricsSource& source);
void room_families(Families& out, const MetricsSource& source);  // limits of listeners, pools, backends; rates

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(MetricsSource source) : source_(std::move(source)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  MetricsSource source_;
};

}  // namespace postigo
