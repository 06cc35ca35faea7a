// What guards the door: penalties, limits, the policy server.
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void limit_refused(Families& out, Source source) {
  for (size_t i = 1; i < kLimits; ++i) {
    tally::put(out, {kLimitNames[i]}, source.workers,
               [i](const WorkerStats& w) -> decltype(auto) { return (w.limited[i]); });
  }
}

// As the metrics call them, in the order of SeatKind.
constexpr std::array<std::pair<std::string_view, Limit>, kSeatKinds> kMost = {
    {{"user", Limit::sessions_per_user},
     {"user_address", Limit::sessions_per_user_address},
     {"address", Limit::sessions_per_address},
     {"network", Limit::sessions_per_network}}};

void most_sessions(Families& out, Source source) {
  const auto most = source.shared->seats.most();
  for (size_t i = 0; i < kMost.size(); ++i) out.add({kMost[i].first}, static_cast<double>(most[i]));
}

void most_sessions_limit(Families& out, Source source) {
  for (auto [kind, limit] : kMost) out.add({kind}, static_cast<double>(source.snapshot->limits.of(limit)));
}

constexpr auto kGuardFamilies = std::to_array<Family>({
    {"postigo_penalties",
     gauge,
     {},
     "Addresses, networks and users with failed logins that are remembered.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->penalties.size())); }},
    {"postigo_penalties_limit",
     gauge,
     {},
     "Those that may be; beyond, the ones with few failures are forgotten.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->penalties.entries_max())); }},
    {"postigo_penalties_evicted_total",
     counter,
     {},
     "Those that were forgotten because there was no room.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->penalties.evicted())); }},
    {"postigo_logins_delayed_total",
     counter,
     {},
     "Login attempts that waited because somebody guesses.",
     tally::of_workers<&WorkerStats::logins_delayed>},
    {"postigo_limit_refused_total", counter, {"reason"}, "Connections and logins that a limit refused.", limit_refused},
    {"postigo_most_sessions",
     gauge,
     {"kind"},
     "Sessions of the user, address or network that has most; 0 where there is no limit.",
     most_sessions},
    {"postigo_most_sessions_limit",
     gauge,
     {"kind"},
     "Those that one may have, but for classes; 0: no limit.",
     most_sessions_limit},
    {"postigo_policy_answers_total",
     counter,
     {"result"},
     "What the policy server said of logins.",
     tally::of_workers_by<&WorkerStats::policy, kPolicyAnswerNames>},
    {"postigo_policy_reports_total",
     counter,
     {},
     "Reports to the policy server, those that were lost included.",
     tally::of_workers<&WorkerStats::policy_reports>},
    {"postigo_policy_reports_lost_total",
     counter,
     {},
     "Reports that it did not take.",
     tally::of_workers<&WorkerStats::policy_reports_lost>},
});

}  // namespace

std::span<const Family> guard_families() { return kGuardFamilies; }

}  // namespace postigo
