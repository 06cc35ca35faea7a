// TLS: handshakes of clients, those towards backends, our certificates. Handshakes with backends that failed are among
// the errors of backends (metrics_backends.cc).
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

constexpr std::array<std::string_view, 2> kVersions = {"TLSv1.2", "TLSv1.3"};
constexpr std::array<std::string_view, 2> kResumed = {"no", "yes"};

// Calls `visit` with the name of each listener that offers TLS, and with how to find its counts in a worker's.
template <typename Visit>
void each_listener(Source source, Visit visit) {
  for (const auto& frontend : source.snapshot->frontends) {
    if (frontend->tls == config::Tls::off) continue;
    visit(std::string_view(frontend->name),
          [slot = frontend->state->slot](const WorkerStats& w) -> decltype(auto) { return (w.listeners[slot]); });
  }
}

// The same for each backend that is spoken to by TLS.
template <typename Visit>
void each_backend(Source source, Visit visit) {
  for (const Backend& backend : source.snapshot->backends) {
    if (backend.settings.tls.mode == config::Tls::off) continue;
    visit(std::string_view(backend.settings.name),
          [slot = backend.state->slot](const WorkerStats& w) -> decltype(auto) { return (w.backends[slot]); });
  }
}

// Calls `add` with version, whether it was resumed, and their places.
template <typename Add>
void each_sort(Add add) {
  for (size_t v = 0; v < kVersions.size(); ++v) {
    for (size_t r = 0; r < kResumed.size(); ++r) add(kVersions[v], kResumed[r], v, r);
  }
}

void handshakes(Families& out, Source source) {
  each_listener(source, [&](std::string_view name, auto stats) {
    each_sort([&](std::string_view version, std::string_view resumed, size_t v, size_t r) {
      tally::put(out, {name, version, resumed, "ok"}, source.workers,
                 [&](const WorkerStats& w) -> decltype(auto) { return (stats(w).tls.handshakes[v][r]); });
    });
    tally::put(out, {name, "", "", "failed"}, source.workers,
               [&](const WorkerStats& w) -> decltype(auto) { return (stats(w).tls_failed); });
    tally::put(out, {name, "", "", "timeout"}, source.workers,
               [&](const WorkerStats& w) -> decltype(auto) { return (stats(w).tls_timeout); });
  });
}

void backend_handshakes(Families& out, Source source) {
  each_backend(source, [&](std::string_view name, auto stats) {
    each_sort([&](std::string_view version, std::string_view resumed, size_t v, size_t r) {
      tally::put(out, {name, version, resumed}, source.workers,
                 [&](const WorkerStats& w) -> decltype(auto) { return (stats(w).tls.handshakes[v][r]); });
    });
  });
}

void handshake_seconds(Families& out, Source source) {
  each_listener(source, [&](std::string_view name, auto stats) {
    tally::put(out, {name}, source.workers,
               [&](const WorkerStats& w) -> decltype(auto) { return (stats(w).tls_seconds); });
  });
}

// What is counted by the names of `kKept`, of whom `each` visits.
template <auto kKept, const auto& kNames, typename Each>
void by_name(Families& out, Source source, Each each) {
  each(source, [&](std::string_view name, auto stats) {
    for (size_t i = 0; i < kNames.size(); ++i) {
      tally::put(out, {name, kNames[i]}, source.workers,
                 [&](const WorkerStats& w) -> decltype(auto) { return ((stats(w).tls.*kKept)[i]); });
    }
  });
}

template <auto kKept, const auto& kNames>
void of_listeners(Families& out, Source source) {
  by_name<kKept, kNames>(out, source, [](Source from, auto visit) { each_listener(from, visit); });
}

template <auto kKept, const auto& kNames>
void of_backends(Families& out, Source source) {
  by_name<kKept, kNames>(out, source, [](Source from, auto visit) { each_backend(from, visit); });
}

void certificates(Families& out, Source source) {
  if (source.snapshot->certificates == nullptr) return;
  for (const CertificateFacts& facts : source.snapshot->certificates->facts()) {
    out.add({facts.name, facts.ecdsa ? "ecdsa" : "rsa", std::to_string(facts.number)},
            static_cast<double>(facts.not_after_s));
  }
}

constexpr auto kTlsFamilies = std::to_array<Family>({
    {"postigo_tls_handshakes_total",
     counter,
     {"listener", "version", "resumed", "result"},
     "TLS handshakes of clients.",
     handshakes},
    {"postigo_tls_groups_total",
     counter,
     {"listener", "group"},
     "TLS handshakes of clients by the group of their key exchange; what resumes TLS 1.2 counts as its first did.",
     of_listeners<&TlsStats::groups, kTlsGroupNames>},
    {"postigo_tls_signatures_total",
     counter,
     {"listener", "signature"},
     "TLS handshakes of clients that cost a signature of ours, by its kind: all but those that were resumed.",
     of_listeners<&TlsStats::signatures, kTlsSignatureNames>},
    {"postigo_tls_handshake_seconds",
     histogram,
     {"listener"},
     "From the connection (or STARTTLS) to the end of the TLS handshake.",
     handshake_seconds},
    {"postigo_backend_tls_handshakes_total",
     counter,
     {"backend", "version", "resumed"},
     "TLS handshakes with a backend that succeeded.",
     backend_handshakes},
    {"postigo_backend_tls_groups_total",
     counter,
     {"backend", "group"},
     "The same by the group of their key exchange.",
     of_backends<&TlsStats::groups, kTlsGroupNames>},
    {"postigo_backend_tls_signatures_total",
     counter,
     {"backend", "signature"},
     "Those of them that were not resumed, by the kind of the backend's signature.",
     of_backends<&TlsStats::signatures, kTlsSignatureNames>},
    {"postigo_cert_not_after_seconds",
     gauge,
     {"name", "kind", "number"},
     "When a certificate expires, in seconds since 1970.",
     certificates},
});

}  // namespace

std::span<const Family> tls_families() { return kTlsFamilies; }

}  // namespace postigo
