// The door: connections. Not here: TLS (metrics_tls.cc), what may come in a second, and sessions by listener
// (metrics_room.cc).
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void rejected(Families& out, Source source) {
  for (const ListenerState* listener : source.listeners) {
    auto put = [&](std::string_view reason, Counter ListenerStats::*kept) {
      tally::put(out, {listener->name, reason}, source.workers,
                 [&](const WorkerStats& w) -> decltype(auto) { return (w.listeners[listener->slot].*kept); });
    };
    put("session_limit", &ListenerStats::rejected_limit);
    put("memory", &ListenerStats::rejected_memory);
    put("listener_limit", &ListenerStats::rejected_listener);
  }
}

constexpr auto kDoorFamilies = std::to_array<Family>({
    {"postigo_connections",
     gauge,
     {"state"},
     "Client connections by phase.",
     tally::of_workers_by<&WorkerStats::sessions, kPhaseNames>},
    {"postigo_connections_limit",
     gauge,
     {},
     "Client connections that are accepted at most.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->sessions_max)); }},
    {"postigo_login_bytes",
     gauge,
     {},
     "Octets that connections hold before they are logged in.",
     tally::of_workers<&WorkerStats::login_bytes>},
    {"postigo_login_bytes_limit",
     gauge,
     {},
     "Octets that they may hold together; beyond, the largest and oldest go.",
     [](Families& out, Source source) {
       out.add({}, static_cast<double>(source.shared->login_memory_max * source.workers.size()));
     }},
    {"postigo_session_memory_bytes",
     gauge,
     {},
     "Octets of sessions, before and after login, and of their buffers, about.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->ceiling.held())); }},
    {"postigo_session_memory_bytes_limit",
     gauge,
     {},
     "Those that may be; near it relays are held back, beyond nobody new comes in.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->ceiling.limit())); }},
    {"postigo_connections_accepted_total",
     counter,
     {"listener", "protocol"},
     "Connections accepted, those refused by a limit included.",
     tally::of_listeners<&ListenerStats::accepted>},
    {"postigo_connections_closed_total",
     counter,
     {"listener", "protocol"},
     "Connections closed.",
     tally::of_listeners<&ListenerStats::closed>},
    {"postigo_rejected_total",
     counter,
     {"listener", "reason"},
     "Connections refused before they could log in.",
     rejected},
});

}  // namespace

std::span<const Family> door_families() { return kDoorFamilies; }

}  // namespace postigo
