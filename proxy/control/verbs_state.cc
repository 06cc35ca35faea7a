// What the process knows of itself. Not here: of users (verbs_users.cc), of single sessions (verbs_sessions.cc).
#include "proxy/control/verbs_state.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "config/schema.h"
#include "config/units.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/expiry.h"

namespace postigo {
namespace {

// Of its protocols that are spoken here; of several that differ each with its name.
void add_health(Json& row, ControlThread& control, const BackendState& state, const Backend* settings) {
  const uint64_t now_ms = control.loop().now_ms();
  std::vector<std::pair<std::string, SharedHealth::View>> known;
  for (size_t p = 0; settings != nullptr && p < protocols().size(); ++p) {
    if (!control.running().snapshot->serves(*settings, protocols()[p])) continue;
    known.emplace_back(protocols()[p].name, state.health(p).view(now_ms));
  }
  bool same = std::all_of(known.begin(), known.end(),
                          [&](const auto& each) { return each.second.state == known.front().second.state; });
  std::string words, why;
  uint64_t since_ms = now_ms;
  for (const auto& [protocol, view] : known) {
    std::string word = (same ? "" : protocol + " ") + std::string(name_of(view.state));
    if (!same || words.empty()) words += (words.empty() ? "" : ", ") + word;
    if (why.empty()) why = view.why;
    if (view.state != HealthState::up || same) since_ms = std::min(since_ms, view.since_ms);
  }
  row["health"] = words;
  row["health_seconds"] = (now_ms - since_ms) / 1000;
  row["health_why"] = why;
}

}  // namespace

void status(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  const Shared& shared = control.shared();
  AllStats all = stats_of(control.workers());
  Json phases = Json::object();
  for (size_t i = 0; i < kPhases; ++i) {
    phases[std::string(kPhaseNames[i])] =
        sum(all, [i](const WorkerStats& stats) -> const Counter& { return stats.sessions[i]; });
  }
  done(200, {{"version", POSTIGO_VERSION},
             {"state", control.stopping()          ? "stopping"
                       : control.shared().draining ? "draining"
                                                   : "serving"},
             {"pid", getpid()},
             {"uptime_s", std::time(nullptr) - control.started_s()},
             {"workers", control.workers().size()},
             {"sessions", shared.sessions.load()},
             {"sessions_max", shared.sessions_max.load()},
             {"phases", phases},
             {"configuration", control.running().file},
             {"hash", shared.loads.hash()},
             {"loaded_s", shared.loads.succeeded_s.load()},
             {"last_load_good", shared.loads.good.load()},
             {"predecessors", Json::array()}});
}

void version(ControlThread&, const Json&, const std::string&, VerbDone done) {
  done(200, {{"version", POSTIGO_VERSION}, {"boringssl", POSTIGO_BORINGSSL_VERSION}});
}

void backends(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  Json rows = Json::array();
  AllStats all = stats_of(control.workers());
  for (const BackendState* state : control.fleet().all_backends()) {
    const Backend* settings = control.running().snapshot->find_backend(state->name);
    size_t slot = state->slot;
    uint64_t sessions =
        sum(all, [slot](const WorkerStats& stats) -> const Counter& { return stats.backends[slot].sessions; });
    if (settings == nullptr && sessions == 0) continue;
    rows.push_back({{"name", state->name},
                    {"host", settings != nullptr ? settings->settings.host : ""},
                    {"state", settings == nullptr ? "removed" : name_of(state->wanted)},
                    {"weight", state->weight.load()},
                    {"sessions", sessions},
                    {"logins", state->logins.load()},
                    {"ready", ready_at(*state)},
                    {"queue", state->queue.size()},
                    {"sessions_max", settings != nullptr ? settings->settings.sessions_max : 0}});
    add_health(rows.back(), control, *state, settings);
  }
  done(200, {{"backends", rows}});
}

void listeners(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  Json rows = Json::array();
  AllStats all = stats_of(control.workers());
  const Snapshot& snapshot = *control.running().snapshot;
  for (size_t i = 0; i < snapshot.frontends.size(); ++i) {
    const config::Listener& listener = snapshot.live.listeners[i];
    size_t slot = snapshot.frontends[i]->state->slot;
    auto count = [&](Counter ListenerStats::*which) {
      return sum(all,
                 [slot, which](const WorkerStats& stats) -> const Counter& { return stats.listeners[slot].*which; });
    };
    std::string addresses;
    for (const config::Endpoint& each : listener.addresses) {
      addresses += (addresses.empty() ? "" : " ") + config::format_endpoint(each);
    }
    uint64_t accepted = count(&ListenerStats::accepted);
    rows.push_back({{"name", listener.name},
                    {"protocol", listener.protocol},
                    {"addresses", addresses},
                    {"tls", config::word_of(listener.tls)},
                    {"open", accepted - count(&ListenerStats::closed)},
                    {"accepted", accepted}});
  }
  done(200, {{"listeners", rows}});
}

void certs(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  Json rows = Json::array();
  const Snapshot& snapshot = *control.running().snapshot;
  if (snapshot.certificates != nullptr) {
    for (const CertificateFacts& facts : snapshot.certificates->facts()) {
      rows.push_back({{"number", facts.number},
                      {"name", facts.name},
                      {"kind", facts.ecdsa ? "ecdsa" : "rsa"},
                      {"not_after_s", facts.not_after_s},
                      {"days_left", days_left(facts, std::time(nullptr))},
                      {"file", snapshot.live.tls.certificates[facts.number - 1].certificate_file}});
    }
  }
  done(200, {{"certificates", rows}});
}

}  // namespace postigo
