// The list of families, in the order in which an operator asks: is it full, who comes, who gets in, where to, how long,
// how much. Beside every gauge of use stands its limit, so that saturation needs no knowledge of the configuration.
#include "proxy/ops/metrics.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "backends/directory/cache/store.h"
#include "backends/directory/password.h"
#include "parser/base/copies.h"
#include "proxy/ops/families.h"
#include "proxy/ops/socketmap.h"

namespace postigo {
namespace {

template <size_t N>
std::vector<const Histogram<N>*> all(const AllStats& workers,
                                     const std::function<const Histogram<N>&(const WorkerStats&)>& pick) {
  std::vector<const Histogram<N>*> parts;
  for (const WorkerStats* worker : workers) parts.push_back(&pick(*worker));
  return parts;
}

constexpr size_t kLatency = kLatencyBoundsUs.size();
constexpr size_t kSession = kSessionBoundsUs.size();

// All that ever took effect, also if they are gone: the sum over them is that of the process.
std::vector<const ListenerState*> listeners_of(const MetricsSource& source) {
  std::vector<const ListenerState*> known = source.shared->fleet.all_listeners();
  std::erase_if(known, [](const ListenerState* each) { return each->protocol.load() == nullptr; });
  return known;
}

// Those that are configured, and those that still have sessions.
std::vector<const BackendState*> backends_of(const MetricsSource& source) {
  std::vector<const BackendState*> known = source.shared->fleet.all_backends();
  std::erase_if(known, [&](const BackendState* each) {
    if (source.snapshot->find_backend(each->name) != nullptr) return false;
    size_t slot = each->slot;
    return sum(
               source.workers, [slot](auto& w) -> auto& { return w.backends[slot].sessions; }) == 0;
  });
  return known;
}

void connections(Families& out, const MetricsSource& source) {
  const AllStats& workers = source.workers;
  out.gauge("postigo_connections", "Client connections by phase.");
  for (size_t i = 0; i < kPhases; ++i) {
    out.add({{"state", kPhaseNames[i]}}, sum(
                                             workers, [i](auto& w) -> auto& { return w.sessions[i]; }));
  }
  out.gauge("postigo_connections_limit", "Client connections that are accepted at most.");
  out.add({}, static_cast<double>(source.shared->sessions_max));
  out.gauge("postigo_login_bytes", "Octets that connections hold before they are logged in.");
  out.add({}, sum(
                  workers, [](auto& w) -> auto& { return w.login_bytes; }));
  out.gauge("postigo_login_bytes_limit", "Octets that they may hold together; beyond, the largest and oldest go.");
  out.add({}, static_cast<double>(source.shared->login_memory_max * workers.size()));
  out.gauge("postigo_session_memory_bytes", "Octets of sessions, before and after login, and of their buffers, about.");
  out.add({}, static_cast<double>(source.shared->ceiling.held()));
  out.gauge("postigo_session_memory_bytes_limit",
            "Those that may be; near it relays are held back, beyond nobody new comes in.");
  out.add({}, static_cast<double>(source.shared->ceiling.limit()));
  std::vector<const ListenerState*> listeners = listeners_of(source);
  out.counter("postigo_connections_accepted_total", "Connections accepted, those refused by a limit included.");
  for (const ListenerState* listener : listeners) {
    size_t i = listener->slot;
    out.add({{"listener", listener->name}, {"protocol", listener->protocol.load()->name}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].accepted; }));
  }
  out.counter("postigo_connections_closed_total", "Connections closed.");
  for (const ListenerState* listener : listeners) {
    size_t i = listener->slot;
    out.add({{"listener", listener->name}, {"protocol", listener->protocol.load()->name}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].closed; }));
  }
  out.counter("postigo_rejected_total", "Connections refused before they could log in.");
  for (const ListenerState* listener : listeners) {
    size_t i = listener->slot;
    out.add({{"listener", listener->name}, {"reason", "session_limit"}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].rejected_limit; }));
    out.add({{"listener", listener->name}, {"reason", "memory"}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].rejected_memory; }));
    out.add({{"listener", listener->name}, {"reason", "listener_limit"}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].rejected_listener; }));
  }
}

void tls(Families& out, const MetricsSource& source) {
  const AllStats& workers = source.workers;
  out.counter("postigo_tls_handshakes_total", "TLS handshakes of clients.");
  for (const auto& frontend : source.snapshot->frontends) {
    if (frontend->tls == config::Tls::off) continue;
    size_t i = frontend->state->slot;
    for (size_t v = 0; v < 2; ++v) {
      for (size_t r = 0; r < 2; ++r) {
        out.add({{"listener", frontend->name},
                 {"version", v != 0 ? "TLSv1.3" : "TLSv1.2"},
                 {"resumed", r != 0 ? "yes" : "no"},
                 {"result", "ok"}},
                sum(
                    workers, [ i, v, r ](auto& w) -> auto& { return w.listeners[i].tls_handshakes[v][r]; }));
      }
    }
    out.add({{"listener", frontend->name}, {"version", ""}, {"resumed", ""}, {"result", "failed"}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].tls_failed; }));
    out.add({{"listener", frontend->name}, {"version", ""}, {"resumed", ""}, {"result", "timeout"}},
            sum(
                workers, [i](auto& w) -> auto& { return w.listeners[i].tls_timeout; }));
  }
  out.histogram("postigo_tls_handshake_seconds", "From the connection (or STARTTLS) to the end of the TLS handshake.");
  for (const auto& frontend : source.snapshot->frontends) {
    if (frontend->tls == config::Tls::off) continue;
    size_t i = frontend->state->slot;
    out.add({{"listener", frontend->name}}, all<kLatency>(
                                                workers, [i](auto& w) -> auto& { return w.listeners[i].tls_seconds; }));
  }
  if (source.snapshot->certificates == nullptr) return;
  out.gauge("postigo_cert_not_after_seconds", "When a certificate expires, in seconds since 1970.");
  for (const CertificateFacts& facts : source.snapshot->certificates->facts()) {
    out.add({{"name", facts.name}, {"kind", facts.ecdsa ? "ecdsa" : "rsa"}, {"number", std::to_string(facts.number)}},
            static_cast<double>(facts.not_after_s));
  }
}

// Calls `visit` with the protocols that some listener speaks, or has spoken.
void each_protocol(const MetricsSource& source, const std::function<void(const Protocol&, size_t)>& visit) {
  std::vector<const ListenerState*> listeners = listeners_of(source);
  for (size_t p = 0; p < protocols().size(); ++p) {
    const Protocol* protocol = &protocols()[p];
    bool spoken = std::any_of(listeners.begin(), listeners.end(),
                              [protocol](const ListenerState* each) { return each->protocol.load() == protocol; });
    if (spoken) visit(*protocol, p);
  }
}

void logins(Families& out, const MetricsSource& source) {
  const AllStats& workers = source.workers;
  out.counter("postigo_auth_attempts_total", "Login attempts; the results add up to all of them.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t m = 0; m < kMechanismNames.size(); ++m) {
      for (size_t r = 0; r < kAuthResultNames.size(); ++r) {
        out.add({{"protocol", protocol.name}, {"mechanism", kMechanismNames[m]}, {"result", kAuthResultNames[r]}},
                sum(
                    workers, [ p, m, r ](auto& w) -> auto& { return w.protocols[p].auth[m][r]; }));
      }
    }
  });
  out.counter("postigo_logins_refused_total", "Login attempts that were refused, by the reasons of the log lines.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t r = 0; r < kRefusedReasons; ++r) {
      out.add({{"protocol", protocol.name}, {"reason", kRefusedFacts[r].name}},
              sum(
                  workers, [ p, r ](auto& w) -> auto& { return w.protocols[p].refused[r]; }));
    }
  });
  out.histogram("postigo_login_seconds", "From the client's credentials to our OK.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    out.add({{"protocol", protocol.name}},
            all<kLatency>(
                workers, [p](auto& w) -> auto& { return w.protocols[p].login_seconds; }));
  });
  out.histogram("postigo_lookup_seconds", "Directory look-ups, password checks included.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    out.add({{"protocol", protocol.name}},
            all<kLatency>(
                workers, [p](auto& w) -> auto& { return w.protocols[p].lookup_seconds; }));
  });
  out.counter("postigo_route_lookups_total", "Directory look-ups by their verdict.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t v = 0; v < kVerdictNames.size(); ++v) {
      out.add({{"protocol", protocol.name}, {"result", kVerdictNames[v]}},
              sum(
                  workers, [ p, v ](auto& w) -> auto& { return w.protocols[p].lookups[v]; }));
    }
  });
  out.counter("postigo_password_checks_total", "Passwords compared with a stored one, decoys included.");
  out.add({}, static_cast<double>(password_checks()));
  out.gauge("postigo_queue_jobs", "Jobs that wait for a thread.");
  out.add({{"pool", "lookup"}}, static_cast<double>(source.shared->lookups.waiting()));
  out.add({{"pool", "password"}}, static_cast<double>(source.shared->passwords.waiting()));
  out.gauge("postigo_queue_jobs_limit", "Jobs that may wait, by count and by the time they take.");
  out.add({{"pool", "lookup"}}, static_cast<double>(source.shared->lookups.limit()));
  out.add({{"pool", "password"}}, static_cast<double>(source.shared->passwords.limit()));
}

using DirectoryCaches = std::vector<std::pair<std::string_view, const CacheStore*>>;

DirectoryCaches caches_of(const MetricsSource& source) {
  DirectoryCaches caches;
  if (source.snapshot->directories == nullptr) return caches;
  for (const DirectoryShared::Item& item : source.snapshot->directories->items()) {
    if (const CacheStore* store = item.source->cache()) caches.emplace_back(item.settings.name, store);
  }
  return caches;
}

void directory_caches(Families& out, const MetricsSource& source) {
  const DirectoryCaches caches = caches_of(source);
  if (caches.empty()) return;
  out.counter("postigo_directory_cache_questions_total",
              "Questions to directories with a cache. hit: answered from it; miss: the directory was asked; shared: "
              "somebody else was asking the same.");
  for (const auto& [name, store] : caches) {
    const CacheStore::Counters& numbers = store->counters();
    out.add({{"directory", name}, {"result", "hit"}}, static_cast<double>(numbers.hits.load()));
    out.add({{"directory", name}, {"result", "miss"}}, static_cast<double>(numbers.misses.load()));
    out.add({{"directory", name}, {"result", "shared"}}, static_cast<double>(numbers.shared.load()));
  }
  out.counter("postigo_directory_cache_stale_total", "Answers of before that served because the directory was away.");
  for (const auto& [name, store] : caches) {
    out.add({{"directory", name}}, static_cast<double>(store->counters().stale.load()));
  }
  out.gauge("postigo_directory_cache_entries", "Questions whose answers are kept.");
  for (const auto& [name, store] : caches) out.add({{"directory", name}}, static_cast<double>(store->entries()));
  out.gauge("postigo_directory_cache_entries_limit", "Those that may be; beyond, the oldest are forgotten.");
  for (const auto& [name, store] : caches) out.add({{"directory", name}}, static_cast<double>(store->entries_max()));
}

void penalties(Families& out, const MetricsSource& source) {
  const Penalties& known = source.shared->penalties;
  out.gauge("postigo_penalties", "Addresses, networks and users with failed logins that are remembered.");
  out.add({}, static_cast<double>(known.size()));
  out.gauge("postigo_penalties_limit", "Those that may be; beyond, the ones with few failures are forgotten.");
  out.add({}, static_cast<double>(known.entries_max()));
  out.counter("postigo_penalties_evicted_total", "Those that were forgotten because there was no room.");
  out.add({}, static_cast<double>(known.evicted()));
  out.counter("postigo_logins_delayed_total", "Login attempts that waited because somebody guesses.");
  out.add({}, sum(
                  source.workers, [](auto& w) -> auto& { return w.logins_delayed; }));
}

// As the metrics call them, in the order of SeatKind.
constexpr std::array<std::pair<std::string_view, Limit>, kSeatKinds> kMost = {
    {{"user", Limit::sessions_per_user},
     {"user_address", Limit::sessions_per_user_address},
     {"address", Limit::sessions_per_address},
     {"network", Limit::sessions_per_network}}};

void limits(Families& out, const MetricsSource& source) {
  out.counter("postigo_limit_refused_total", "Connections and logins that a limit refused.");
  for (size_t i = 1; i < kLimits; ++i) {
    out.add({{"reason", kLimitNames[i]}}, sum(
                                              source.workers, [i](auto& w) -> auto& { return w.limited[i]; }));
  }
  out.gauge("postigo_most_sessions",
            "Sessions of the user, address or network that has most; 0 where there is no limit.");
  const auto most = source.shared->seats.most();
  for (size_t i = 0; i < kMost.size(); ++i) out.add({{"kind", kMost[i].first}}, static_cast<double>(most[i]));
  out.gauge("postigo_most_sessions_limit", "Those that one may have, but for classes; 0: no limit.");
  for (auto [kind, limit] : kMost) out.add({{"kind", kind}}, static_cast<double>(source.snapshot->limits.of(limit)));
}

void policy(Families& out, const MetricsSource& source) {
  out.counter("postigo_policy_answers_total", "What the policy server said of logins.");
  for (size_t i = 0; i < kPolicyAnswerNames.size(); ++i) {
    out.add({{"result", kPolicyAnswerNames[i]}}, sum(
                                                     source.workers, [i](auto& w) -> auto& { return w.policy[i]; }));
  }
  out.counter("postigo_policy_reports_total", "Reports to the policy server, those that were lost included.");
  out.add({}, sum(
                  source.workers, [](auto& w) -> auto& { return w.policy_reports; }));
  out.counter("postigo_policy_reports_lost_total", "Reports that it did not take.");
  out.add({}, sum(
                  source.workers, [](auto& w) -> auto& { return w.policy_reports_lost; }));
}

void backends(Families& out, const MetricsSource& source) {
  const AllStats& workers = source.workers;
  const std::vector<const BackendState*> list = backends_of(source);
  out.gauge("postigo_backend_sessions", "Sessions that are relayed to a backend.");
  for (const BackendState* backend : list) {
    size_t b = backend->slot;
    out.add({{"backend", backend->name}}, sum(
                                              workers, [b](auto& w) -> auto& { return w.backends[b].sessions; }));
  }
  out.gauge("postigo_backend_sessions_limit",
            "Sessions that a backend may get, logins under way included; without a limit of its own those of all.");
  for (const BackendState* backend : list) {
    const Backend* known = source.snapshot->find_backend(backend->name);
    uint64_t own = known != nullptr ? known->settings.sessions_max : 0;
    out.add({{"backend", backend->name}},
            own != 0 ? static_cast<double>(own) : static_cast<double>(source.shared->sessions_max));
  }
  out.gauge("postigo_backend_logins", "Logins that are under way at a backend.");
  for (const BackendState* backend : list) {
    out.add({{"backend", backend->name}}, static_cast<double>(backend->logins.load(std::memory_order_relaxed)));
  }
  out.gauge("postigo_backend_logins_limit", "Logins that may be; beyond, clients are told to try later.");
  for (const BackendState* backend : list) {
    out.add({{"backend", backend->name}}, static_cast<double>(source.shared->places.limit()));
  }
  out.counter("postigo_backend_connects_total", "Connections to a backend that were established.");
  for (const BackendState* backend : list) {
    size_t b = backend->slot;
    out.add({{"backend", backend->name}}, sum(
                                              workers, [b](auto& w) -> auto& { return w.backends[b].connects; }));
  }
  out.counter("postigo_backend_errors_total", "What went wrong with a backend.");
  for (const BackendState* backend : list) {
    size_t b = backend->slot;
    for (size_t e = 0; e < kBackendErrorFacts.size(); ++e) {
      out.add({{"backend", backend->name}, {"reason", kBackendErrorFacts[e].name}},
              sum(
                  workers, [ b, e ](auto& w) -> auto& { return w.backends[b].errors[e]; }));
    }
  }
  out.histogram("postigo_backend_connect_seconds", "TCP connects to a backend.");
  for (const BackendState* backend : list) {
    size_t b = backend->slot;
    out.add({{"backend", backend->name}},
            all<kLatency>(
                workers, [b](auto& w) -> auto& { return w.backends[b].connect_seconds; }));
  }
  out.histogram("postigo_backend_login_seconds", "From the connection to the backend's OK, TLS included.");
  for (const BackendState* backend : list) {
    size_t b = backend->slot;
    out.add({{"backend", backend->name}}, all<kLatency>(
                                              workers, [b](auto& w) -> auto& { return w.backends[b].login_seconds; }));
  }
  out.counter("postigo_retries_total", "Logins that went on to another backend of the shard.");
  out.add({}, sum(
                  workers, [](auto& w) -> auto& { return w.retries; }));
}

void users(Families& out, const MetricsSource& source) {
  const Affinity& affinity = source.shared->ledger.affinity;
  out.gauge("postigo_users_pinned", "Users whose backend is remembered, in pools with affinity.");
  out.add({}, static_cast<double>(affinity.users()));
  out.gauge("postigo_users_pinned_limit", "Users that may be; beyond, those without a session are forgotten.");
  out.add({}, static_cast<double>(affinity.users_max()));
  out.counter("postigo_affinity_redirects_total",
              "Logins that went where the user had been, not to their first choice.");
  out.add({}, affinity.redirected());
  out.counter("postigo_affinity_moves_total", "Users who went to another backend because theirs could not be reached.");
  out.add({}, affinity.moved());
  out.counter("postigo_affinity_unbound_total",
              "Logins without affinity, because all that may be remembered have sessions.");
  out.add({}, affinity.unbound());
  const Ledger& ledger = source.shared->ledger;
  out.gauge("postigo_users_ordered", "Users whom operators have sent to a place of their own.");
  out.add({}, static_cast<double>(ledger.moves.size()));
  out.gauge("postigo_users_ordered_limit", "Users that may be.");
  out.add({}, static_cast<double>(Moves::kUsersMax));
  out.gauge("postigo_logins_held", "Logins that wait while their user is moved.");
  out.add({}, static_cast<double>(ledger.holds.waiting()));
  out.gauge("postigo_logins_held_limit", "Logins that may wait; beyond, they are told to try later.");
  out.add({}, static_cast<double>(Holds::kWaitingMax));
  out.counter("postigo_socketmap_replies_total", "Answers to other programs that asked where a user's mail belongs.");
  for (size_t i = 0; i < kSocketmapWords.size(); ++i) out.add({{"reply", kSocketmapWords[i]}}, socketmap_replies(i));
  out.counter("postigo_user_moves_total", "Users whose sessions were ended to move them, by what became of it.");
  out.add({{"result", "moved"}}, ledger.users_moved.load());
  out.add({{"result", "failed"}}, ledger.moves_failed.load());
}

void traffic(Families& out, const MetricsSource& source) {
  const AllStats& workers = source.workers;
  out.counter("postigo_bytes_total", "Bytes relayed after login, decrypted.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    out.add({{"protocol", protocol.name}, {"dir", "from_client"}},
            sum(
                workers, [p](auto& w) -> auto& { return w.protocols[p].bytes_from_client; }));
    out.add({{"protocol", protocol.name}, {"dir", "from_backend"}},
            sum(
                workers, [p](auto& w) -> auto& { return w.protocols[p].bytes_from_backend; }));
  });
  if constexpr (kCountCopies) {
    out.counter("postigo_copied_bytes_total", "Bytes copied in user space, by place; only in a build that counts.");
    for (size_t i = 0; i < kCopyNames.size(); ++i) {
      out.add({{"place", kCopyNames[i]}}, copied_octets(i));
    }
  }
  out.counter("postigo_commands_total", "Commands relayed after login.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t v = 0; v < protocol.verbs.size(); ++v) {
      out.add({{"protocol", protocol.name}, {"verb", protocol.verbs[v]}},
              sum(
                  workers, [ p, v ](auto& w) -> auto& { return w.protocols[p].verbs[v]; }));
    }
  });
  out.counter("postigo_capability_rewrites_total", "Capability lists of backends that clients got in our version.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t k = 0; k < kRewriteNames.size(); ++k) {
      out.add({{"protocol", protocol.name}, {"kind", kRewriteNames[k]}},
              sum(
                  workers, [ p, k ](auto& w) -> auto& { return w.protocols[p].rewrites[k]; }));
    }
  });
  out.histogram("postigo_session_seconds", "Length of sessions.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    out.add({{"protocol", protocol.name}},
            all<kSession>(
                workers, [p](auto& w) -> auto& { return w.protocols[p].session_seconds; }));
  });
  out.counter("postigo_disconnects_total", "Who ended connections, and why.");
  each_protocol(source, [&](const Protocol& protocol, size_t p) {
    for (size_t r = 0; r < kCloseReasons; ++r) {
      std::string_view side = kCloseReasonFacts[r].side;
      out.add({{"protocol", protocol.name}, {"side", side}, {"reason", kCloseReasonFacts[r].name}},
              sum(
                  workers, [ p, r ](auto& w) -> auto& { return w.protocols[p].closed[r]; }));
    }
  });
}

}  // namespace

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  std::shared_ptr<const Snapshot> pinned = source_.shared->published.get();
  MetricsSource source = source_;
  source.snapshot = pinned.get();
  Families out;
  connections(out, source);
  tls(out, source);
  logins(out, source);
  directory_caches(out, source);
  penalties(out, source);
  limits(out, source);
  policy(out, source);
  backends(out, source);
  users(out, source);
  health_families(out, source);
  room_families(out, source);
  traffic(out, source);
  process_families(out, source);
  return out.take();
}

}  // namespace postigo
