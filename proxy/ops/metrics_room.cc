// Room at listeners, pools and backends: how many, how many may be, who waits; connections that are ready; and what may
// come in a second. Not here: the rest (metrics.cc), what is believed of backends (metrics_health.cc).
#include <algorithm>

#include "proxy/ops/families.h"
#include "proxy/ops/metrics.h"
#include "proxy/session/ready_pool.h"

namespace postigo {
namespace {

void listeners(Families& out, const MetricsSource& source) {
  out.gauge("postigo_listener_sessions", "Sessions that came through a listener.");
  for (const auto& frontend : source.snapshot->frontends) {
    out.add({{"listener", frontend->name}}, static_cast<double>(frontend->state->sessions.load()));
  }
  out.gauge("postigo_listener_sessions_limit", "Those that may be; 0: it has no limit of its own.");
  for (const auto& frontend : source.snapshot->frontends) {
    out.add({{"listener", frontend->name}}, frontend->sessions_max);
  }
}

void pools(Families& out, const Snapshot& snapshot) {
  if (snapshot.pool_limits.empty()) return;
  out.gauge("postigo_pool_sessions", "Sessions at the backends of a pool that has a limit, logins under way included.");
  for (const auto& [name, limit] : snapshot.pool_limits) out.add({{"pool", name}}, limit.sessions());
  out.gauge("postigo_pool_sessions_limit", "Those that may be.");
  for (const auto& [name, limit] : snapshot.pool_limits) out.add({{"pool", name}}, limit.sessions_max);
}

void queues(Families& out, const MetricsSource& source) {
  const std::vector<Backend>& backends = source.snapshot->backends;
  out.gauge("postigo_backend_queue", "Logins that wait for room at a backend.");
  for (const Backend& each : backends) {
    out.add({{"backend", each.settings.name}}, static_cast<double>(each.state->queue.size()));
  }
  out.gauge("postigo_backend_queue_limit", "Those that may wait; 0: it has no limits to wait for.");
  for (const Backend& each : backends) {
    bool limited = each.settings.sessions_max != 0 || each.settings.logins_per_s != 0;
    out.add({{"backend", each.settings.name}}, limited ? each.settings.queue_max : 0);
  }
  out.counter("postigo_backend_queued_total", "Logins that had to wait for room at a backend.");
  for (const Backend& each : backends) {
    size_t slot = each.state->slot;
    out.add({{"backend", each.settings.name}},
            sum(source.workers, [slot](const WorkerStats& w) -> const Counter& { return w.backends[slot].queued; }));
  }
}

// As configured; fewer if the descriptors do not reach.
uint64_t ready_max(const MetricsSource& source, const Backend& backend) {
  if (!ReadyPool::wants(backend)) return 0;
  uint64_t served = 0;
  for (const Protocol& protocol : protocols()) served += source.snapshot->serves(backend, protocol) ? 1U : 0U;
  return std::min(backend.settings.ready.max * served, static_cast<uint64_t>(source.shared->places.ready_max()));
}

void ready(Families& out, const MetricsSource& source) {
  const std::vector<Backend>& backends = source.snapshot->backends;
  out.gauge("postigo_ready_connections", "Connections to a backend that wait for a login, or are being made so.");
  for (const Backend& each : backends) {
    out.add({{"backend", each.settings.name}}, static_cast<double>(ready_at(*each.state)));
  }
  out.gauge("postigo_ready_connections_limit", "Those that may be, of all protocols.");
  for (const Backend& each : backends) out.add({{"backend", each.settings.name}}, ready_max(source, each));
  out.counter("postigo_ready_connections_total",
              "What became of them: taken by a login, by none, or they failed or ended too soon.");
  for (const Backend& each : backends) {
    for (size_t r = 0; r < kReadyResultNames.size(); ++r) {
      size_t slot = each.state->slot;
      out.add(
          {{"backend", each.settings.name}, {"result", kReadyResultNames[r]}},
          sum(source.workers, [slot, r](const WorkerStats& w) -> const Counter& { return w.backends[slot].ready[r]; }));
    }
  }
}

// What is used of a rate is that of a counter; only what may be is told here.
void rates(Families& out, const Snapshot& snapshot) {
  out.gauge("postigo_rate_limit", "What may come in a second; 0: no limit.");
  for (Limit limit : {Limit::connections_per_s, Limit::address_connections_per_s, Limit::handshakes_per_s,
                      Limit::logins_per_s, Limit::address_logins_per_s}) {
    out.add({{"kind", kLimitNames[static_cast<size_t>(limit)]}}, snapshot.limits.of(limit));
  }
  out.gauge("postigo_backend_rate_limit", "Logins that may begin at a backend in a second; 0: no limit.");
  for (const Backend& each : snapshot.backends) {
    out.add({{"backend", each.settings.name}}, each.settings.logins_per_s);
  }
}

}  // namespace

void room_families(Families& out, const MetricsSource& source) {
  listeners(out, source);
  pools(out, *source.snapshot);
  queues(out, source);
  ready(out, source);
  rates(out, *source.snapshot);
}

}  // namespace postigo
