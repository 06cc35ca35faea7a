// From the name of a verb to what is done. Not here: verbs over sessions (verbs_sessions.cc), parameters (ops/api.cc).
#include "proxy/control/verbs.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "backends/router.h"
#include "config/dump.h"
#include "config/schema.h"
#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/expiry.h"
#include "proxy/control/verbs_backend.h"
#include "proxy/control/verbs_diff.h"
#include "proxy/control/verbs_penalties.h"
#include "proxy/control/verbs_sessions.h"
#include "proxy/control/verbs_trace.h"
#include "proxy/control/verbs_users.h"
#include "proxy/session/binding.h"
#include "proxy/session/placement.h"

namespace postigo {
namespace {

using Act = void (*)(ControlThread&, const Json&, const std::string& who, VerbDone);

Json error(const std::string& text) { return {{"error", text}}; }

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
             {"uptime_s", std::time(nullptr) - control.started_s()},
             {"workers", control.workers().size()},
             {"sessions", shared.sessions.load()},
             {"sessions_max", shared.sessions_max.load()},
             {"phases", phases},
             {"configuration", control.running().file},
             {"hash", shared.loads.hash()},
             {"loaded_s", shared.loads.succeeded_s.load()},
             {"last_load_good", shared.loads.good.load()}});
}

void version(ControlThread&, const Json&, const std::string&, VerbDone done) {
  done(200, {{"version", POSTIGO_VERSION}, {"boringssl", POSTIGO_BORINGSSL_VERSION}});
}

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
                    {"logins", state->logins.load()}});
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

std::string name_at(ControlThread& control, size_t slot) {
  auto all = control.fleet().all_backends();
  return slot < all.size() ? all[slot]->name : "";
}

void route(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  const Snapshot& snapshot = *control.running().snapshot;
  Identity identity;
  identity.user = snapshot.router->normalise(parameters.at("user").get<std::string>());
  auto found = place(snapshot, control.shared().ledger, identity, parameters.value("protocol", "imap"), true);
  if (!found) return done(409, error(found.error().message));
  foresee(snapshot, control.shared().ledger, *found, identity.user, parameters.value("protocol", "imap"));
  auto bond = control.shared().ledger.affinity.look(identity.user);
  Json rows = Json::array();
  for (const config::Backend* backend : found->candidates) {
    const Backend& known = snapshot.backend(backend->name);
    rows.push_back({{"name", backend->name},
                    {"host", backend->host},
                    {"state", name_of(known.state->wanted)},
                    {"weight", known.state->weight.load()}});
  }
  done(200, {{"user", identity.user},
             {"pool", found->pool},
             {"shard", found->shard},
             {"reason", found->reason},
             {"bound_to", bond && snapshot.affine_pool(found->pool) != nullptr ? name_at(control, bond->backend) : ""},
             {"on_hold", control.shared().ledger.holds.held(identity.user, control.loop().now_ms())},
             {"backends", rows}});
}

void config_in_effect(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  done(200, {{"toml", config::dump(control.running().config)}});
}

void reload(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  Reloader::Order order{.cause = "ctl", .partial = parameters.value("partial", false)};
  order.then = [done = std::move(done)](const Reloader::Outcome& outcome) {
    Json answer = {{"changes", rows_of(outcome.changes)}, {"problems", outcome.problems}};
    if (!outcome.left_out.empty()) answer["left_out"] = outcome.left_out;
    if (outcome.refusal.empty()) return done(200, answer);
    answer["error"] = "nothing is changed: " + outcome.refusal;
    done(422, answer);
  };
  control.reload(std::move(order));
}

void log_verb(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  if (parameters.at("action") == "reopen") {
    auto opened = control.reopen_log();
    return opened ? done(200, Json::object()) : done(409, error(opened.error().message));
  }
  if (!parameters.contains("level")) return done(422, error("level is missing: debug, info, warning or error"));
  std::string word = parameters.at("level");
  auto found = std::find(log::kLevelNames.begin(), log::kLevelNames.end(), word);
  log::set_level(static_cast<log::Level>(found - log::kLevelNames.begin()));
  done(200, {{"level", word}});
}

void drain(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  constexpr uint64_t kOverMs = 10 * 60'000;
  control.drain().start(parameters.value("over", kOverMs));
  done(200, Json::object());
}

void undrain(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  control.drain().undo();
  done(200, Json::object());
}

void stop(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  done(200, Json::object());
  control.loop().defer([&control] { control.stop("ctl"); });
}

void upgrade(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  control.upgrade("ctl", [done = std::move(done)](const std::string& failure, pid_t successor) {
    if (!failure.empty()) return done(409, error("nothing is changed: " + failure));
    done(200, {{"pid", successor}});
  });
}

const std::unordered_map<std::string_view, Act>& table() {
  static const std::unordered_map<std::string_view, Act> verbs = {{"status", status},
                                                                  {"version", version},
                                                                  {"who", who},
                                                                  {"kick", kick},
                                                                  {"backends", backends},
                                                                  {"backend", set_backend},
                                                                  {"listeners", listeners},
                                                                  {"certs", certs},
                                                                  {"route", route},
                                                                  {"config", config_in_effect},
                                                                  {"diff", diff},
                                                                  {"reload", reload},
                                                                  {"log", log_verb},
                                                                  {"drain", drain},
                                                                  {"undrain", undrain},
                                                                  {"stop", stop},
                                                                  {"trace", trace},
                                                                  {"penalties", penalties},
                                                                  {"forgive", forgive},
                                                                  {"move", move},
                                                                  {"hold", hold},
                                                                  {"release", release},
                                                                  {"users", users},
                                                                  {"flush", flush},
                                                                  {"upgrade", upgrade}};
  return verbs;
}

std::string words_of(const Json& parameters) {
  std::string words;
  for (const auto& [name, value] : parameters.items()) {
    words += (words.empty() ? "" : " ") + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return words;
}

}  // namespace

void run_verb(ControlThread& control, const Verb& verb, const Json& parameters, const std::string& by, VerbDone done) {
  Act act = table().at(verb.name);
  if (!verb.changes) return act(control, parameters, by, std::move(done));
  act(control, parameters, by,
      [done = std::move(done), name = verb.name, words = words_of(parameters), by](int status, const Json& answer) {
        std::string result = status == 200 ? "done" : answer.value("error", "refused");
        log::write(events::admin_action, {{"by", by}, {"verb", name}, {"result", result}, {"detail", words}});
        done(status, answer);
      });
}

}  // namespace postigo
