// The door: connections and TLS. Not here: what may come in a second, and sessions by listener (metrics_room.cc).
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

// Calls `visit` with name and slot of each listener that offers TLS.
template <typename Visit>
void each_secured(Source source, Visit visit) {
  for (const auto& frontend : source.snapshot->frontends) {
    if (frontend->tls != config::Tls::off) visit(frontend->name, frontend->state->slot);
  }
}

void handshakes(Families& out, Source source) {
  each_secured(source, [&](std::string_view name, size_t i) {
    for (size_t v = 0; v < 2; ++v) {
      for (size_t r = 0; r < 2; ++r) {
        tally::put(out, {name, v != 0 ? "TLSv1.3" : "TLSv1.2", r != 0 ? "yes" : "no", "ok"}, source.workers,
                   [i, v, r](const WorkerStats& w) -> decltype(auto) { return (w.listeners[i].tls_handshakes[v][r]); });
      }
    }
    tally::put(out, {name, "", "", "failed"}, source.workers,
               [i](const WorkerStats& w) -> decltype(auto) { return (w.listeners[i].tls_failed); });
    tally::put(out, {name, "", "", "timeout"}, source.workers,
               [i](const WorkerStats& w) -> decltype(auto) { return (w.listeners[i].tls_timeout); });
  });
}

void handshake_seconds(Families& out, Source source) {
  each_secured(source, [&](std::string_view name, size_t i) {
    tally::put(out, {name}, source.workers,
               [i](const WorkerStats& w) -> decltype(auto) { return (w.listeners[i].tls_seconds); });
  });
}

void certificates(Families& out, Source source) {
  if (source.snapshot->certificates == nullptr) return;
  for (const CertificateFacts& facts : source.snapshot->certificates->facts()) {
    out.add({facts.name, facts.ecdsa ? "ecdsa" : "rsa", std::to_string(facts.number)},
            static_cast<double>(facts.not_after_s));
  }
}

constexpr auto kTable = std::to_array<Family>({
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
    {"postigo_tls_handshakes_total",
     counter,
     {"listener", "version", "resumed", "result"},
     "TLS handshakes of clients.",
     handshakes},
    {"postigo_tls_handshake_seconds",
     histogram,
     {"listener"},
     "From the connection (or STARTTLS) to the end of the TLS handshake.",
     handshake_seconds},
    {"postigo_cert_not_after_seconds",
     gauge,
     {"name", "kind", "number"},
     "When a certificate expires, in seconds since 1970.",
     certificates},
});

}  // namespace

std::span<const Family> door_families() { return kTable; }

}  // namespace postigo
