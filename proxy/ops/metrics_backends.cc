// Backends: sessions and logins there, and what went wrong. Not here: what is believed of them (metrics_health.cc), who
// waits for room (metrics_room.cc).
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void sessions_limit(Families& out, Source source) {
  for (const BackendState* backend : source.backends) {
    const Backend* known = source.snapshot->find_backend(backend->name);
    uint64_t own = known != nullptr ? known->settings.sessions_max : 0;
    out.add({backend->name}, own != 0 ? static_cast<double>(own) : static_cast<double>(source.shared->sessions_max));
  }
}

void logins(Families& out, Source source) {
  for (const BackendState* backend : source.backends) {
    out.add({backend->name}, static_cast<double>(backend->logins.load(std::memory_order_relaxed)));
  }
}

void logins_limit(Families& out, Source source) {
  for (const BackendState* backend : source.backends) {
    out.add({backend->name}, static_cast<double>(source.shared->places.limit()));
  }
}

constexpr auto kBackendsFamilies = std::to_array<Family>({
    {"postigo_backend_sessions",
     gauge,
     {"backend"},
     "Sessions that are relayed to a backend.",
     tally::of_backends<&BackendStats::sessions>},
    {"postigo_backend_sessions_limit",
     gauge,
     {"backend"},
     "Sessions that a backend may get, logins under way included; without a limit of its own those of all.",
     sessions_limit},
    {"postigo_backend_logins", gauge, {"backend"}, "Logins that are under way at a backend.", logins},
    {"postigo_backend_logins_limit",
     gauge,
     {"backend"},
     "Logins that may be; beyond, clients are told to try later.",
     logins_limit},
    {"postigo_backend_connects_total",
     counter,
     {"backend"},
     "Connections to a backend that were established.",
     tally::of_backends<&BackendStats::connects>},
    {"postigo_backend_errors_total",
     counter,
     {"backend", "reason"},
     "What went wrong with a backend.",
     tally::of_backends_by<&BackendStats::errors, kBackendErrorFacts>},
    {"postigo_backend_connect_seconds",
     histogram,
     {"backend"},
     "TCP connects to a backend.",
     tally::of_backends<&BackendStats::connect_seconds>},
    {"postigo_backend_login_seconds",
     histogram,
     {"backend"},
     "From the connection to the backend's OK, TLS included.",
     tally::of_backends<&BackendStats::login_seconds>},
    {"postigo_retries_total",
     counter,
     {},
     "Logins that went on to another backend of the shard.",
     tally::of_workers<&WorkerStats::retries>},
});

}  // namespace

std::span<const Family> backend_families() { return kBackendsFamilies; }

}  // namespace postigo
