// Where most rows have their numbers from: what the workers count, summed over them, for each listener, protocol or
// backend, and for each name of an enum. `kKept` is the member that they count in; `kNames` the names of its elements.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "proxy/ops/families.h"
#include "proxy/ops/metrics.h"

namespace postigo::tally {

inline std::string_view name_of(std::string_view name) { return name; }
template <typename Facts>
std::string_view name_of(const Facts& facts) {
  return facts.name;
}

// What `pick` finds in each worker, as one metric: numbers are added, histograms laid upon each other.
template <typename Pick>
void put(Families& out, Labels values, const AllStats& workers, Pick pick) {
  using Kept = std::remove_cvref_t<decltype(pick(*workers.front()))>;
  if constexpr (std::is_same_v<Kept, Counter>) {
    uint64_t total = 0;
    for (const WorkerStats* worker : workers) total += pick(*worker).get();
    out.add(values, total);
  } else {
    std::vector<const Kept*> parts;
    parts.reserve(workers.size());
    for (const WorkerStats* worker : workers) parts.push_back(&pick(*worker));
    out.add(values, parts);
  }
}

template <auto kKept>
void of_workers(Families& out, const MetricsSource& source) {
  put(out, {}, source.workers, [](const WorkerStats& w) -> decltype(auto) { return (w.*kKept); });
}

template <auto kKept, const auto& kNames>
void of_workers_by(Families& out, const MetricsSource& source) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    put(out, {name_of(kNames[i])}, source.workers,
        [i](const WorkerStats& w) -> decltype(auto) { return ((w.*kKept)[i]); });
  }
}

// Labels: protocol.
template <auto kKept>
void of_protocols(Families& out, const MetricsSource& source) {
  for (auto [protocol, p] : source.protocols) {
    put(out, {protocol->name}, source.workers,
        [at = p](const WorkerStats& w) -> decltype(auto) { return (w.protocols[at].*kKept); });
  }
}

// Labels: protocol, and what the names are of.
template <auto kKept, const auto& kNames>
void of_protocols_by(Families& out, const MetricsSource& source) {
  for (auto [protocol, p] : source.protocols) {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      put(out, {protocol->name, name_of(kNames[i])}, source.workers,
          [at = p, i](const WorkerStats& w) -> decltype(auto) { return ((w.protocols[at].*kKept)[i]); });
    }
  }
}

// Labels: listener, protocol.
template <auto kKept>
void of_listeners(Families& out, const MetricsSource& source) {
  for (const ListenerState* listener : source.listeners) {
    put(out, {listener->name, listener->protocol.load()->name}, source.workers,
        [slot = listener->slot](const WorkerStats& w) -> decltype(auto) { return (w.listeners[slot].*kKept); });
  }
}

// Labels: backend. Also of those that are not configured any more and have sessions.
template <auto kKept>
void of_backends(Families& out, const MetricsSource& source) {
  for (const BackendState* backend : source.backends) {
    put(out, {backend->name}, source.workers,
        [slot = backend->slot](const WorkerStats& w) -> decltype(auto) { return (w.backends[slot].*kKept); });
  }
}

// Labels: backend, and what the names are of.
template <auto kKept, const auto& kNames>
void of_backends_by(Families& out, const MetricsSource& source) {
  for (const BackendState* backend : source.backends) {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      put(out, {backend->name, name_of(kNames[i])}, source.workers,
          [slot = backend->slot, i](const WorkerStats& w) -> decltype(auto) { return ((w.backends[slot].*kKept)[i]); });
    }
  }
}

// Labels: backend. What number(backend) is of each that is configured.
template <typename Number>
void of_configured(Families& out, const MetricsSource& source, Number number) {
  for (const Backend& each : source.snapshot->backends) {
    out.add({each.settings.name}, static_cast<double>(number(each)));
  }
}

}  // namespace postigo::tally
