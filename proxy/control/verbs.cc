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
#include "proxy/control/census.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/merge.h"
#include "proxy/control/mirror.h"
#include "proxy/control/verbs_backend.h"
#include "proxy/control/verbs_cache.h"
#include "proxy/control/verbs_diff.h"
#include "proxy/control/verbs_penalties.h"
#include "proxy/control/verbs_sessions.h"
#include "proxy/control/verbs_state.h"
#include "proxy/control/verbs_totals.h"
#include "proxy/control/verbs_trace.h"
#include "proxy/control/verbs_users.h"
#include "proxy/session/binding.h"
#include "proxy/session/naming.h"
#include "proxy/session/placement.h"

namespace postigo {
namespace {

using Act = void (*)(ControlThread&, const Json&, const std::string& who, VerbDone);
struct Entry {
  Act act;
  Merge merge = nullptr;  // null: predecessors are not asked
  bool lasts = false;     // what it changes is to stand after an upgrade, too
};

std::string name_at(ControlThread& control, size_t slot) {
  auto all = control.fleet().all_backends();
  return slot < all.size() ? all[slot]->name : "";
}

// Of a name that became another one.
VerbDone with_name(std::string change, VerbDone done) {
  return [change = std::move(change), done = std::move(done)](int status, Json answer) {
    if (status == 200) answer["name"] = change;
    done(status, std::move(answer));
  };
}

// Of a user whom a directory knows, or whom his backend is to know.
void tell_route(ControlThread& control, const Identity& identity, const std::string& protocol, const VerbDone& done) {
  const Snapshot& snapshot = *control.running().snapshot;
  const Ledger& ledger = control.ledger();
  auto found = place(snapshot, ledger.moves, identity, protocol, true);
  if (!found) return done(409, error(found.error().message));
  foresee(snapshot, ledger.affinity, *found, identity.user, protocol);
  auto bond = ledger.affinity.look(identity.user);
  Json rows = Json::array();
  for (const config::Backend* backend : found->candidates) {
    const Backend& known = snapshot.backend(*backend);
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
             {"on_hold", ledger.holds.held(identity.user, control.loop().now_ms())},
             {"backends", rows}});
}

void route(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  const Snapshot& snapshot = *control.running().snapshot;
  auto user = user_of(control, parameters, done);
  if (!user) return;
  const std::string written = parameters.at("user"), protocol = parameters.value("protocol", "imap");
  if (*user != written) done = with_name(written + " -> " + *user, std::move(done));
  control.inquiry().ask(snapshot, *user, [&control, user = *user, protocol, done](const LookupResult& known) {
    Identity identity = known.identity;
    if (known.verdict == Verdict::ok &&
        be_called(identity, user, Spelling::kept, *control.running().snapshot->router)) {
      return tell_route(control, identity, protocol, done);
    }
    bool later = known.verdict == Verdict::try_later;
    done(later ? 503 : 404, error(later ? "the directories do not answer now: " + known.detail
                                        : "no directory knows this user: his logins are refused"));
  });
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
  done(200, {{"sessions", control.drain().start(parameters.value("over", kOverMs))}});
}

void undrain(ControlThread& control, const Json&, const std::string&, VerbDone done) {
  done(200, {{"sessions", control.drain().undo()}});
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

const std::unordered_map<std::string_view, Entry>& table() {
  static const std::unordered_map<std::string_view, Entry> verbs = {{"status", {status, merge_status}},
                                                                    {"version", {version}},
                                                                    {"who", {who, merge_who}},
                                                                    {"kick", {kick, merge_kick}},
                                                                    {"backends", {backends, merge_backends}},
                                                                    {"backend", {set_backend, nullptr, true}},
                                                                    {"listeners", {listeners, merge_listeners}},
                                                                    {"certs", {certs}},
                                                                    {"totals", {totals}},
                                                                    {"problems", {problems}},
                                                                    {"route", {route}},
                                                                    {"config", {config_in_effect}},
                                                                    {"diff", {diff}},
                                                                    {"reload", {reload}},
                                                                    {"log", {log_verb}},
                                                                    {"drain", {drain, merge_drain, true}},
                                                                    {"undrain", {undrain, merge_drain, true}},
                                                                    {"stop", {stop}},
                                                                    {"trace", {trace}},
                                                                    {"penalties", {penalties}},
                                                                    {"forgive", {forgive, nullptr, true}},
                                                                    {"cache", {cache}},
                                                                    {"move", {move, nullptr, true}},
                                                                    {"hold", {hold, merge_hold, true}},
                                                                    {"release", {release, merge_release}},
                                                                    {"users", {users, merge_users}},
                                                                    {"flush", {flush}},
                                                                    {"upgrade", {upgrade}}};
  return verbs;
}

void add_answers(Json& all, Merge merge, const Predecessors::Answers& answers, const Json& parameters) {
  std::vector<std::string> missing = answers.missing;
  for (const Predecessors::Answer& each : answers.given) {
    try {
      Json merged = all;  // half of an answer is none
      merge(merged, each.body, parameters);
      all = std::move(merged);
    } catch (const Json::exception&) {
      missing.push_back(not_understood(each));
    }
  }
  if (!missing.empty()) all["missing"] = missing;
}

void act_everywhere(ControlThread& control, std::string_view name, const Json& parameters, const std::string& by,
                    VerbDone done) {
  const Entry& entry = table().at(name);
  if (entry.merge == nullptr || control.predecessors().size() == 0) {
    return entry.act(control, parameters, by, std::move(done));
  }
  entry.act(control, parameters, by,
            [&control, &entry, name, parameters, done = std::move(done)](int status, const Json& here) {
              if (status != 200) return done(status, here);
              control.predecessors().ask(name, parameters, [&entry, here, parameters, done](const auto& answers) {
                Json all = here;
                add_answers(all, entry.merge, answers, parameters);
                done(200, all);
              });
            });
}

std::string words_of(const Json& parameters) {
  std::string words;
  for (const auto& [name, value] : parameters.items()) {
    words += (words.empty() ? "" : " ") + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return words;
}

}  // namespace

std::optional<std::string> user_of(ControlThread& control, const Json& parameters, const VerbDone& done) {
  auto name = control.running().snapshot->router->normalise(parameters.at("user").get<std::string>());
  if (name) return *name;
  done(422, error("no login has such a name: " + name.error().message));
  return std::nullopt;
}

Json error(const std::string& text) { return {{"error", text}}; }

// A successor has its orders already, and keeps nobody waiting: what is decided now would be lost there.
void run_verb(ControlThread& control, const Verb& verb, const Json& parameters, const std::string& by, VerbDone done) {
  if (!verb.changes) return act_everywhere(control, verb.name, parameters, by, std::move(done));
  VerbDone told = [done = std::move(done), name = verb.name, words = words_of(parameters), by](int status,
                                                                                               const Json& answer) {
    std::string result = status == 200 ? "done" : answer.value("error", "refused");
    log::write(events::admin_action, {{"by", by}, {"verb", name}, {"result", result}, {"detail", words}});
    done(status, answer);
  };
  std::string why = table().at(verb.name).lasts ? control.why_not_now() : "";
  if (!why.empty()) return told(409, error("not now: " + why));
  act_everywhere(control, verb.name, parameters, by, std::move(told));
}

void kick_everywhere(ControlThread& control, const Json& parameters, VerbDone done) {
  act_everywhere(control, "kick", parameters, "", std::move(done));
}

void run_for_successor(ControlThread& control, const std::string& what, const Json& parameters, VerbDone done) {
  static const std::unordered_map<std::string_view, Act> among_processes = {
      {"evict", evict_here}, {"occupants", occupants_here}, {"held", held_here}};
  if (auto found = among_processes.find(what); found != among_processes.end()) {
    return found->second(control, parameters, "", std::move(done));
  }
  auto found = table().find(what);
  bool known = found != table().end() && found->second.merge != nullptr;
  if (!known) return done(404, error("it does not know \"" + what + "\""));
  found->second.act(control, parameters, "", std::move(done));
}

}  // namespace postigo
