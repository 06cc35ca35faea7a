// Room at listeners, pools and backends: how many, how many may be, who waits; connections that are ready; and what may
// come in a second. Not here: the rest (metrics.cc), what is believed of backends (metrics_health.cc).
#include <algorithm>
#include <fstream>

#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"
#include "proxy/session/ready_pool.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void listener_sessions(Families& out, Source source) {
  for (const auto& frontend : source.snapshot->frontends) {
    out.add({frontend->name}, static_cast<double>(frontend->state->sessions.load()));
  }
}

void listener_sessions_limit(Families& out, Source source) {
  for (const auto& frontend : source.snapshot->frontends) out.add({frontend->name}, frontend->sessions_max);
}

void pool_sessions(Families& out, Source source) {
  for (const auto& [name, limit] : source.snapshot->pool_limits) out.add({name}, limit.sessions());
}

void pool_sessions_limit(Families& out, Source source) {
  for (const auto& [name, limit] : source.snapshot->pool_limits) out.add({name}, limit.sessions_max);
}

uint64_t queue_max(const Backend& backend) {
  bool limited = backend.settings.sessions_max != 0 || backend.settings.logins_per_s != 0;
  return limited ? backend.settings.queue_max : 0;
}

void queued(Families& out, Source source) {
  for (const Backend& each : source.snapshot->backends) {
    tally::put(out, {each.settings.name}, source.workers,
               [slot = each.state->slot](const WorkerStats& w) -> decltype(auto) { return (w.backends[slot].queued); });
  }
}

// What the kernel gives out, net.ipv4.ip_local_port_range (for IPv6, too).
uint64_t local_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  uint64_t first = 0, last = 0;
  return file >> first >> last && first <= last ? last - first + 1 : 0;
}

// Each connection has one: sessions, logins and those that are ready.
int64_t source_ports(const Backend& backend) { return busy_at(*backend.state) + ready_at(*backend.state); }

// A port serves again from another address of ours, or to another one of the backend's. Those are not looked at here.
void source_ports_limit(Families& out, Source source) {
  const uint64_t ports = local_ports();
  if (ports == 0) return;
  tally::of_configured(out, source,
                       [&](const Backend& each) { return ports * std::max<size_t>(each.sources.size(), 1); });
}

// As configured; fewer if the descriptors do not reach.
uint64_t ready_max(const MetricsSource& source, const Backend& backend) {
  if (!ReadyPool::wants(backend)) return 0;
  uint64_t served = 0;
  for (const Protocol& protocol : protocols()) served += source.snapshot->serves(backend, protocol) ? 1U : 0U;
  return std::min(backend.settings.ready.max * served, static_cast<uint64_t>(source.shared->places.ready_max()));
}

void ready_results(Families& out, Source source) {
  for (const Backend& each : source.snapshot->backends) {
    for (size_t r = 0; r < kReadyResultNames.size(); ++r) {
      tally::put(
          out, {each.settings.name, kReadyResultNames[r]}, source.workers,
          [slot = each.state->slot, r](const WorkerStats& w) -> decltype(auto) { return (w.backends[slot].ready[r]); });
    }
  }
}

// What is used of a rate is that of a counter; only what may be is told here.
void rates(Families& out, Source source) {
  for (Limit limit : {Limit::connections_per_s, Limit::address_connections_per_s, Limit::handshakes_per_s,
                      Limit::logins_per_s, Limit::address_logins_per_s}) {
    out.add({kLimitNames[static_cast<size_t>(limit)]}, source.snapshot->limits.of(limit));
  }
}

constexpr auto kRoomFamilies = std::to_array<Family>({
    {"postigo_listener_sessions", gauge, {"listener"}, "Sessions that came through a listener.", listener_sessions},
    {"postigo_listener_sessions_limit",
     gauge,
     {"listener"},
     "Those that may be; 0: it has no limit of its own.",
     listener_sessions_limit},
    {"postigo_pool_sessions",
     gauge,
     {"pool"},
     "Sessions at the backends of a pool that has a limit, logins under way included.",
     pool_sessions},
    {"postigo_pool_sessions_limit", gauge, {"pool"}, "Those that may be.", pool_sessions_limit},
    {"postigo_backend_queue",
     gauge,
     {"backend"},
     "Logins that wait for room at a backend.",
     [](Families& out, Source source) {
       tally::of_configured(out, source, [](const Backend& each) { return each.state->queue.size(); });
     }},
    {"postigo_backend_queue_limit",
     gauge,
     {"backend"},
     "Those that may wait; 0: it has no limits to wait for.",
     [](Families& out, Source source) { tally::of_configured(out, source, queue_max); }},
    {"postigo_backend_queued_total", counter, {"backend"}, "Logins that had to wait for room at a backend.", queued},
    {"postigo_ready_connections",
     gauge,
     {"backend"},
     "Connections to a backend that wait for a login, or are being made so.",
     [](Families& out, Source source) {
       tally::of_configured(out, source, [](const Backend& each) { return ready_at(*each.state); });
     }},
    {"postigo_ready_connections_limit",
     gauge,
     {"backend"},
     "Those that may be, of all protocols.",
     [](Families& out, Source source) {
       tally::of_configured(out, source, [&](const Backend& each) { return ready_max(source, each); });
     }},
    {"postigo_ready_connections_total",
     counter,
     {"backend", "result"},
     "What became of them: taken by a login, by none, or they failed or ended too soon.",
     ready_results},
    {"postigo_backend_source_ports",
     gauge,
     {"backend"},
     "Ports of ours that connections to a backend have: sessions, logins under way, ready ones.",
     [](Families& out, Source source) { tally::of_configured(out, source, source_ports); }},
    {"postigo_backend_source_ports_limit",
     gauge,
     {"backend"},
     "Those that there are to one address and port of it: the kernel's range, for each address of `source`.",
     source_ports_limit},
    {"postigo_rate_limit", gauge, {"kind"}, "What may come in a second; 0: no limit.", rates},
    {"postigo_backend_rate_limit",
     gauge,
     {"backend"},
     "Logins that may begin at a backend in a second; 0: no limit.",
     [](Families& out, Source source) {
       tally::of_configured(out, source, [](const Backend& each) { return each.settings.logins_per_s; });
     }},
});

}  // namespace

std::span<const Family> room_families() { return kRoomFamilies; }

}  // namespace postigo
