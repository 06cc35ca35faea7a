// What is believed of backends, as families. Only those that are configured: who is gone has no state.
#include <uv.h>

#include <algorithm>
#include <functional>

#include "proxy/ops/families.h"
#include "proxy/ops/metrics.h"

namespace postigo {
namespace {

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
void each_service(const Snapshot& snapshot,
                  const std::function<void(const BackendState&, std::string_view, size_t)>& visit) {
  for (const Backend& backend : snapshot.backends) {
    for (size_t p = 0; p < protocols().size(); ++p) {
      if (snapshot.serves(backend, protocols()[p])) visit(*backend.state, protocols()[p].name, p);
    }
  }
}

void probes(Families& out, const Snapshot& snapshot) {
  out.counter("postigo_backend_probes_total", "Probes; refused: it greets, but the account for probes cannot log in.");
  for (const Backend& backend : snapshot.backends) {
    for (size_t r = 0; r < kProbeResultNames.size(); ++r) {
      out.add({{"backend", backend.settings.name}, {"result", kProbeResultNames[r]}}, backend.state->probes[r].get());
    }
  }
}

}  // namespace

void health_families(Families& out, const MetricsSource& source) {
  const uint64_t now_ms = uv_hrtime() / 1'000'000;
  const Snapshot& snapshot = *source.snapshot;
  out.gauge("postigo_backend_state", "1 for the state of a backend's service, 0 for the others.");
  each_service(snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    std::string_view now = state_of(backend, p, now_ms);
    for (std::string_view state : kStates) {
      out.add({{"backend", backend.name}, {"protocol", protocol}, {"state", state}}, state == now ? 1.0 : 0.0);
    }
  });
  out.counter("postigo_backend_breaker_openings_total", "How often a backend's service was found to be down.");
  each_service(snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    out.add({{"backend", backend.name}, {"protocol", protocol}}, backend.health(p).falls());
  });
  out.counter("postigo_backend_trials_total", "Probes and logins that tried one that was down.");
  each_service(snapshot, [&](const BackendState& backend, std::string_view protocol, size_t p) {
    out.add({{"backend", backend.name}, {"protocol", protocol}}, backend.health(p).trials());
  });
  probes(out, snapshot);
}

}  // namespace postigo
