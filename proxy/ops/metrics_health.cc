// What is believed of backends, as families. Only those that are configured: who is gone has no state.
#include <uv.h>

#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

constexpr std::array<std::string_view, 7> kStates = {"up",     "suspect", "down",     "slow_start",
                                                     "forced", "drain",   "taken_out"};

// What counts for the next login: an operator's word, or else what is believed.
std::string_view state_of(const BackendState& backend, size_t protocol, uint64_t now_ms) {
  switch (backend.wanted.load()) {
    case Wanted::ready:
      return "forced";
    case Wanted::drain:
      return "drain";
    case Wanted::down:
      return "taken_out";
    case Wanted::automatic:
      break;
  }
  return name_of(backend.health(protocol).view(now_ms).state);
}

// Calls `visit` with each protocol of each backend that some listener speaks.
template <typename Visit>
void each_service(const Snapshot& snapshot, Visit visit) {
  for (const Backend& backend : snapshot.backends) {
    for (size_t p = 0; p < protocols().size(); ++p) {
      if (snapshot.serves(backend, protocols()[p])) visit(*backend.state, protocols()[p].name, p);
    }
  }
}

void states(Families& out, Source source) {
  const uint64_t now_ms = uv_hrtime() / 1'000'000;
  each_service(*source.snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    std::string_view now = state_of(backend, p, now_ms);
    for (std::string_view state : kStates) out.add({backend.name, protocol, state}, state == now ? 1.0 : 0.0);
  });
}

void openings(Families& out, Source source) {
  each_service(*source.snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    out.add({backend.name, protocol}, backend.health(p).falls());
  });
}

void trials(Families& out, Source source) {
  each_service(*source.snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    out.add({backend.name, protocol}, backend.health(p).trials());
  });
}

void probes(Families& out, Source source) {
  for (const Backend& backend : source.snapshot->backends) {
    for (size_t r = 0; r < kProbeResultNames.size(); ++r) {
      out.add({backend.settings.name, kProbeResultNames[r]}, backend.state->probes[r].get());
    }
  }
}

constexpr auto kHealthFamilies = std::to_array<Family>({
    {"postigo_backend_state",
     gauge,
     {"backend", "protocol", "state"},
     "1 for the state of a backend's service, 0 for the others.",
     states},
    {"postigo_backend_breaker_openings_total",
     counter,
     {"backend", "protocol"},
     "How often a backend's service was found to be down.",
     openings},
    {"postigo_backend_trials_total",
     counter,
     {"backend", "protocol"},
     "Probes and logins that tried one that was down.",
     trials},
    {"postigo_backend_probes_total",
     counter,
     {"backend", "result"},
     "Probes; refused: it greets, but the account for probes cannot log in.",
     probes},
});

}  // namespace

std::span<const Family> health_families() { return kHealthFamilies; }

}  // namespace postigo
