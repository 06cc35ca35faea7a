// Metrics: names and labels for what the workers count, made at scrape time.
//
// Any thread. Sums over workers; never a user, an address or an error text in a label.
#pragma once

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
  AllStats workers;
  uint64_t fds_limit = 0;
  int64_t start_time_s = 0;
  std::string version, boringssl;
  const PredecessorCounts* predecessors = nullptr;  // null: there cannot be any
  // --- of one scrape: page() fills them in ---
  const Snapshot* snapshot = nullptr;           // the newest
  std::vector<const ListenerState*> listeners;  // all that ever took effect: the sum over them is the process's
  std::vector<const BackendState*> backends;    // that are configured, and those that still have sessions
  std::vector<std::pair<const Protocol*, size_t>> protocols;  // that a listener speaks or has spoken, and their places
};

class Metrics {
 public:
  explicit Metrics(MetricsSource source) : source_(std::move(source)) {}
  // What there is to tell now, in Prometheus' text format.
  std::string page() const;

 private:
  MetricsSource source_;
  mutable std::atomic<size_t> last_size_{0};  // of a page, in octets: the next is about as large
};

}  // namespace postigo
