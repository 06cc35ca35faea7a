// What a worker counts. One writer (the worker), read by the scraper at any time; no locks, no labels on the hot path.
//
// Gauges are Counters that also go down. Fixed arrays indexed by enums, listeners and backends by their slots
// (fleet.h); ops/metrics_*.cc give them their names.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "backends/ledger/limiter.h"
#include "parser/base/counter.h"
#include "proxy/base/phase.h"
#include "proxy/base/refused.h"
#include "proxy/base/slot_table.h"
#include "proxy/base/tls_stats.h"

namespace postigo {

// Upper bounds in microseconds; one bucket more for the rest.
template <size_t N>
class Histogram {
 public:
  explicit constexpr Histogram(const std::array<uint64_t, N>& bounds_us) : bounds_us_(bounds_us) {}
  void observe_us(uint64_t us) {
    size_t bucket =
        static_cast<size_t>(std::lower_bound(bounds_us_.begin(), bounds_us_.end(), us) - bounds_us_.begin());
    buckets_[bucket].inc();
    sum_us_.add(us);
  }
  const std::array<uint64_t, N>& bounds_us() const { return bounds_us_; }
  uint64_t bucket(size_t i) const { return buckets_[i].get(); }
  uint64_t sum_us() const { return sum_us_.get(); }

 private:
  const std::array<uint64_t, N>& bounds_us_;
  std::array<Counter, N + 1> buckets_;
  Counter sum_us_;
};

// 100 us to one minute, for handshakes, look-ups, connects and logins.
inline constexpr std::array<uint64_t, 17> kLatencyBoundsUs = {
    100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 60'000'000};
// One second to two days, for sessions.
inline constexpr std::array<uint64_t, 9> kSessionBoundsUs = {1'000'000,      10'000'000,     60'000'000,
                                                             300'000'000,    1'800'000'000,  3'600'000'000,
                                                             21'600'000'000, 86'400'000'000, 172'800'000'000};

using LatencyHistogram = Histogram<kLatencyBoundsUs.size()>;
using SessionHistogram = Histogram<kSessionBoundsUs.size()>;

inline constexpr std::array<std::string_view, 14> kMechanismNames = {"PLAIN",
                                                                     "LOGIN",
                                                                     "USER",
                                                                     "APOP",
                                                                     "CRAM-MD5",
                                                                     "SCRAM-SHA-1",
                                                                     "SCRAM-SHA-1-PLUS",
                                                                     "SCRAM-SHA-256",
                                                                     "SCRAM-SHA-256-PLUS",
                                                                     "OAUTHBEARER",
                                                                     "XOAUTH2",
                                                                     "EXTERNAL",
                                                                     "ANONYMOUS",
                                                                     "other"};

// In the order of Verdict (backends/directory.h).
inline constexpr std::array<std::string_view, 6> kVerdictNames = {"ok",       "bad_credentials", "no_such_user",
                                                                  "disabled", "unusable",        "try_later"};

enum class BackendError : uint8_t {
  resolve,
  connect,
  connect_timeout,
  tls,
  login_timeout,
  unavailable,
  closed,
  master_refused,
  full,
  taken_out,
  no_port,
  moved,
  silent,
  down,
  session_limit,
  login_rate,
  queue_full,
  pool_limit,
};
struct BackendErrorFacts {
  std::string_view name, text;
};
inline constexpr auto kBackendErrorFacts = std::to_array<BackendErrorFacts>({
    {"resolve", "its name has no address"},
    {"connect", "no connection: refused, unreachable"},
    {"connect_timeout", "no connection within backend_connect_timeout"},
    {"tls", "the TLS handshake failed, or the certificate is not good: see `detail`"},
    {"login_timeout", "no answer within backend_login_timeout"},
    {"unavailable", "it says that it cannot serve now, or says what is not the protocol"},
    {"closed", "it closed the connection before it answered, or the connection broke"},
    {"master_refused", "it does not take the master's login for a user whom we verified: the operator's to mend"},
    {"full", "too many logins are under way there: limits.backend_logins_max"},
    {"taken_out", "an operator has taken it out of service: `ctl backend NAME drain` or `down`"},
    {"no_port", "no port of ours is free to connect from, or no address: see `source`; the operator's to mend"},
    {"moved", "it said yes, but meanwhile another login of the user had gone to another backend: see `affinity`"},
    {"silent", "it said nothing within `[health] silence`"},
    {"down", "it is believed to be down, so that nobody waits for it: `ctl backends` says why"},
    {"session_limit", "it has as many sessions as it may: `sessions_max` of its [[backend]]"},
    {"login_rate", "more logins a second than it may get: `logins_per_s` of its [[backend]]"},
    {"queue_full", "as many logins wait for room there as may: `queue_max` of its [[backend]]"},
    {"pool_limit", "its pool has as many sessions as it may: `sessions_max` of its [[pool]]"},
});

// Where a backend's capability list reached the client in our version: in the answer to the login, or later.
enum class Rewrite : uint8_t { login, stream };
inline constexpr std::array<std::string_view, 2> kRewriteNames = {"login", "stream"};

// What the policy server says of a login; failed: nothing, or nothing that can be understood.
enum class PolicyAnswer : uint8_t { allowed, delayed, refused, failed };
inline constexpr std::array<std::string_view, 4> kPolicyAnswerNames = {"allowed", "delayed", "refused", "failed"};

// What became of a connection that was made ready: a login took it, nobody did, or it ended, or never came to be.
enum class ReadyResult : uint8_t { used, unused, failed };
inline constexpr std::array<std::string_view, 3> kReadyResultNames = {"used", "unused", "failed"};

struct ListenerStats {
  Counter accepted, closed, rejected_limit, rejected_memory, rejected_listener;
  TlsStats tls;
  Counter tls_failed, tls_timeout;
  LatencyHistogram tls_seconds{kLatencyBoundsUs};
};

struct ProtocolStats {
  static constexpr size_t kVerbsMax = 64;
  std::array<Counter, kVerbsMax> verbs;
  std::array<std::array<Counter, kAuthResultNames.size()>, kMechanismNames.size()> auth;
  std::array<Counter, kRefusedReasons> refused;
  std::array<Counter, kVerdictNames.size()> lookups;
  std::array<Counter, kCloseReasons> closed;
  std::array<Counter, kRewriteNames.size()> rewrites;
  Counter bytes_from_client, bytes_from_backend;
  LatencyHistogram login_seconds{kLatencyBoundsUs};  // from the client's login command to our OK
  LatencyHistogram lookup_seconds{kLatencyBoundsUs};
  SessionHistogram session_seconds{kSessionBoundsUs};
};

struct BackendStats {
  Counter sessions, connects;
  Counter source_turns;  // no metric: whose turn it is in the backend's `source`
  std::array<Counter, kBackendErrorFacts.size()> errors;
  std::array<Counter, kReadyResultNames.size()> ready;
  TlsStats tls;
  Counter queued;  // logins that had to wait for room
  LatencyHistogram connect_seconds{kLatencyBoundsUs};
  LatencyHistogram login_seconds{kLatencyBoundsUs};
};

struct WorkerStats {
  static constexpr size_t kProtocolsMax = 4;
  std::array<Counter, kPhases> sessions;  // gauge by phase
  std::array<ProtocolStats, kProtocolsMax> protocols;
  SlotTable<ListenerStats> listeners;
  SlotTable<BackendStats> backends;
  Counter retries;
  Counter logins_delayed;  // by penalties
  std::array<Counter, kLimits> limited;
  std::array<Counter, kPolicyAnswerNames.size()> policy;
  Counter policy_reports, policy_reports_lost;
  Counter buffered_bytes;  // gauge: chunks in use
  Counter login_bytes;     // gauge: what sessions hold before they are logged in
  LatencyHistogram loop_lag{kLatencyBoundsUs};
};

// Those of all workers, and the sum of what `pick` finds in each.
using AllStats = std::vector<const WorkerStats*>;
inline uint64_t sum(const AllStats& workers, const std::function<const Counter&(const WorkerStats&)>& pick) {
  uint64_t total = 0;
  for (const WorkerStats* worker : workers) total += pick(*worker).get();
  return total;
}

}  // namespace postigo
