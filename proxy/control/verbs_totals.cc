// The few numbers that a person watches. Not here: those for Prometheus (ops/metrics.cc), gauges (verbs_state.cc).
#include "proxy/control/verbs_totals.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "proxy/base/log_newest.h"
#include "proxy/control/control_thread.h"

namespace postigo {
namespace {

// By upper bounds; those that never were are left out, so that ten thousand backends fit in an answer.
using Buckets = std::array<uint64_t, kLatencyBoundsUs.size() + 1>;

void add(Buckets& to, const LatencyHistogram& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from.bucket(i);
}

Json json_of(const Buckets& buckets) {
  Json found = Json::object();
  for (size_t i = 0; i < buckets.size(); ++i) {
    bool last = i == kLatencyBoundsUs.size();
    if (buckets[i] != 0) found[last ? "more" : std::to_string(kLatencyBoundsUs[i])] = buckets[i];
  }
  return found;
}

Json backend_rows(ControlThread& control, const AllStats& all) {
  Json rows = Json::array();
  for (const Backend& backend : control.running().snapshot->backends) {
    Buckets login{};
    uint64_t connects = 0, errors = 0;
    for (const WorkerStats* worker : all) {
      const BackendStats& stats = worker->backends[backend.state->slot];
      connects += stats.connects.get();
      for (const Counter& each : stats.errors) errors += each.get();
      add(login, stats.login_seconds);
    }
    rows.push_back(
        {{"name", backend.settings.name}, {"connects", connects}, {"errors", errors}, {"login_us", json_of(login)}});
  }
  return rows;
}

uint64_t accepted(ControlThread& control, const AllStats& all) {
  uint64_t count = 0;
  for (const ListenerState* listener : control.fleet().all_listeners()) {
    for (const WorkerStats* worker : all) count += worker->listeners[listener->slot].accepted.get();
  }
  return count;
}

// Of all protocols.
struct Logins {
  std::array<uint64_t, kAuthResultNames.size()> results{};
  std::array<uint64_t, kRefusedReasons> refused{};
  uint64_t bytes_in = 0, bytes_out = 0;
  Buckets seconds{};

  void add_all(const ProtocolStats& stats) {
    for (const auto& mechanism : stats.auth) {
      for (size_t r = 0; r < results.size(); ++r) results[r] += mechanism[r].get();
    }
    for (size_t r = 0; r < refused.size(); ++r) refused[r] += stats.refused[r].get();
    bytes_in += stats.bytes_from_client.get();
    bytes_out += stats.bytes_from_backend.get();
    add(seconds, stats.login_seconds);
  }
};

}  // namespace

void totals(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  const AllStats all = stats_of(control.workers());
  Logins logins;
  Buckets lag{};
  for (const WorkerStats* worker : all) {
    for (const ProtocolStats& each : worker->protocols) logins.add_all(each);
    add(lag, worker->loop_lag);
  }
  Json results = Json::object(), refused = Json::object();
  for (size_t r = 0; r < logins.results.size(); ++r) results[std::string(kAuthResultNames[r])] = logins.results[r];
  for (size_t r = 0; r < logins.refused.size(); ++r) {
    if (logins.refused[r] != 0) refused[std::string(kRefusedFacts[r].name)] = logins.refused[r];
  }
  done(200, {{"at_ms", control.loop().now_ms()},
             {"pid", getpid()},
             {"accepted", accepted(control, all)},
             {"logins", results},
             {"refused", refused},
             {"bytes_in", logins.bytes_in},
             {"bytes_out", logins.bytes_out},
             {"login_us", json_of(logins.seconds)},
             {"lag_us", json_of(lag)},
             {"backends", backend_rows(control, all)}});
}

void problems(ControlThread&, const Json& parameters, const std::string&, VerbDone done) {
  constexpr uint64_t kLimit = 50;
  Json rows = Json::array();
  for (const log::NewestLine& line : log::newest(parameters.value("limit", kLimit))) {
    rows.push_back({{"at_s", line.at_s},
                    {"level", log::kLevelNames[static_cast<size_t>(line.level)]},
                    {"event", line.event},
                    {"detail", line.detail}});
  }
  done(200, {{"problems", rows}});
}

}  // namespace postigo
