// Logins: attempts, look-ups, the caches of directories. Not here: who is slowed down or turned away
// (metrics_guard.cc), what backends say (metrics_backends.cc).
#include "backends/directory/cache/store.h"
#include "backends/directory/password.h"
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void attempts(Families& out, Source source) {
  for (auto [protocol, p] : source.protocols) {
    for (size_t m = 0; m < kMechanismNames.size(); ++m) {
      for (size_t r = 0; r < kAuthResultNames.size(); ++r) {
        tally::put(out, {protocol->name, kMechanismNames[m], kAuthResultNames[r]}, source.workers,
                   [at = p, m, r](const WorkerStats& w) -> decltype(auto) { return (w.protocols[at].auth[m][r]); });
      }
    }
  }
}

// Calls `visit` with the name and the cache of each directory that has one.
template <typename Visit>
void each_cache(Source source, Visit visit) {
  if (source.snapshot->directories == nullptr) return;
  for (const DirectoryShared::Item& item : source.snapshot->directories->items()) {
    if (const CacheStore* store = item.source->cache()) visit(std::string_view(item.settings.name), *store);
  }
}

void cache_questions(Families& out, Source source) {
  each_cache(source, [&](std::string_view name, const CacheStore& store) {
    const CacheStore::Counters& numbers = store.counters();
    out.add({name, "hit"}, static_cast<double>(numbers.hits.load()));
    out.add({name, "miss"}, static_cast<double>(numbers.misses.load()));
    out.add({name, "shared"}, static_cast<double>(numbers.shared.load()));
  });
}

constexpr auto kLoginsFamilies = std::to_array<Family>({
    {"postigo_auth_attempts_total",
     counter,
     {"protocol", "mechanism", "result"},
     "Login attempts; the results add up to all of them.",
     attempts},
    {"postigo_logins_refused_total",
     counter,
     {"protocol", "reason"},
     "Login attempts that were refused, by the reasons of the log lines.",
     tally::of_protocols_by<&ProtocolStats::refused, kRefusedFacts>},
    {"postigo_login_seconds",
     histogram,
     {"protocol"},
     "From the client's credentials to our OK.",
     tally::of_protocols<&ProtocolStats::login_seconds>},
    {"postigo_lookup_seconds",
     histogram,
     {"protocol"},
     "Directory look-ups, password checks included.",
     tally::of_protocols<&ProtocolStats::lookup_seconds>},
    {"postigo_route_lookups_total",
     counter,
     {"protocol", "result"},
     "Directory look-ups by their verdict.",
     tally::of_protocols_by<&ProtocolStats::lookups, kVerdictNames>},
    {"postigo_password_checks_total",
     counter,
     {},
     "Passwords compared with a stored one, decoys included.",
     [](Families& out, Source) { out.add({}, static_cast<double>(password_checks())); }},
    {"postigo_queue_jobs",
     gauge,
     {"pool"},
     "Jobs that wait for a thread.",
     [](Families& out, Source source) {
       out.add({"lookup"}, static_cast<double>(source.shared->lookups.waiting()));
       out.add({"password"}, static_cast<double>(source.shared->passwords.waiting()));
     }},
    {"postigo_queue_jobs_limit",
     gauge,
     {"pool"},
     "Jobs that may wait, by count and by the time they take.",
     [](Families& out, Source source) {
       out.add({"lookup"}, static_cast<double>(source.shared->lookups.limit()));
       out.add({"password"}, static_cast<double>(source.shared->passwords.limit()));
     }},
    {"postigo_directory_cache_questions_total",
     counter,
     {"directory", "result"},
     "Questions to directories with a cache. hit: answered from it; miss: the directory was asked; shared: somebody "
     "else "
     "was asking the same.",
     cache_questions},
    {"postigo_directory_cache_stale_total",
     counter,
     {"directory"},
     "Answers of before that served because the directory was away.",
     [](Families& out, Source source) {
       each_cache(source, [&](std::string_view name, const CacheStore& store) {
         out.add({name}, static_cast<double>(store.counters().stale.load()));
       });
     }},
    {"postigo_directory_cache_entries",
     gauge,
     {"directory"},
     "Questions whose answers are kept.",
     [](Families& out, Source source) {
       each_cache(source, [&](std::string_view name, const CacheStore& store) {
         out.add({name}, static_cast<double>(store.entries()));
       });
     }},
    {"postigo_directory_cache_entries_limit",
     gauge,
     {"directory"},
     "Those that may be; beyond, the oldest are forgotten.",
     [](Families& out, Source source) {
       each_cache(source, [&](std::string_view name, const CacheStore& store) {
         out.add({name}, static_cast<double>(store.entries_max()));
       });
     }},
});

}  // namespace

std::span<const Family> login_families() { return kLoginsFamilies; }

}  // namespace postigo
