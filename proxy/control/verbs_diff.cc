// Against the file that a reload would read, or against the listing of another one that `postigo ctl` has read. Nothing
// takes effect. Not here: what differs (config/diff.cc), how a listing is compared (ops/config_listing.cc).
#include "proxy/control/verbs_diff.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/units.h"
#include "proxy/control/control_thread.h"
#include "proxy/ops/config_listing.h"

namespace postigo {
namespace {

using Names = std::vector<std::string>;

// What a change is for the one of that name; empty: nothing.
std::string change_of(const std::string& section, const std::string& name, const Names& after,
                      const std::vector<config::Change>& changes) {
  if (std::find(after.begin(), after.end(), name) == after.end()) return "removed";
  std::string keys = section + '[' + name + "].";
  bool changed = std::any_of(changes.begin(), changes.end(),
                             [&](const config::Change& change) { return change.key.starts_with(keys); });
  return changed ? "changed" : "";
}

// Those that run and would not be the same.
Json touched_backends(ControlThread& control, const Names& after, const std::vector<config::Change>& changes) {
  const Snapshot& snapshot = *control.running().snapshot;
  AllStats all = stats_of(control.workers());
  Json rows = Json::array();
  for (const Backend& backend : snapshot.backends) {
    std::string change = change_of("backend", backend.settings.name, after, changes);
    if (change.empty()) continue;
    size_t slot = backend.state->slot;
    bool go = change == "removed" && backend.settings.on_remove == config::OnRemove::drain;
    rows.push_back(
        {{"touched", "backend " + backend.settings.name},
         {"change", change},
         {"sessions", sum(
                          all, [slot](const WorkerStats& each) -> auto& { return each.backends[slot].sessions; })},
         {"they", go ? "are let go over remove_time" : "stay"}});
  }
  return rows;
}

void add_touched_listeners(ControlThread& control, const Names& after, const std::vector<config::Change>& changes,
                           Json& rows) {
  AllStats all = stats_of(control.workers());
  for (const auto& frontend : control.running().snapshot->frontends) {
    std::string change = change_of("listener", frontend->name, after, changes);
    if (change.empty()) continue;
    size_t slot = frontend->state->slot;
    uint64_t accepted = sum(
        all, [slot](const WorkerStats& each) -> auto& { return each.listeners[slot].accepted; });
    uint64_t closed = sum(
        all, [slot](const WorkerStats& each) -> auto& { return each.listeners[slot].closed; });
    rows.push_back({{"touched", "listener " + frontend->name},
                    {"change", change},
                    {"sessions", accepted - std::min(accepted, closed)},
                    {"they", "stay"}});
  }
}

Json answer_of(ControlThread& control, const std::vector<config::Change>& changes, const Names& backends,
               const Names& listeners) {
  Json touched = touched_backends(control, backends, changes);
  add_touched_listeners(control, listeners, changes, touched);
  return {{"changes", rows_of(changes)}, {"touched", touched}};
}

template <typename Item>
Names names_of(const std::vector<Item>& items) {
  Names names;
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

void compare_with(ControlThread& control, const Json& listing, const VerbDone& done) {
  auto changes = compare(control.running().config, listing);
  if (!changes) return done(422, {{"error", changes.error().message}});
  done(200, answer_of(control, *changes, names_in(listing, "backend"), names_in(listing, "listener")));
}

}  // namespace

Json rows_of(const std::vector<config::Change>& changes) {
  Json rows = Json::array();
  for (const config::Change& change : changes) {
    rows.push_back({{"key", change.key},
                    {"before", change.before},
                    {"after", change.after},
                    {"needs_restart", change.needs_restart}});
  }
  return rows;
}

void diff(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  if (parameters.contains("configuration")) return compare_with(control, parameters.at("configuration"), done);
  control.compare([&control, done = std::move(done)](const Proposal& proposal) {
    std::vector<std::string> problems;
    for (const config::Problem& problem : proposal.problems) problems.push_back(to_string(problem));
    if (proposal.snapshot == nullptr) return done(422, {{"error", "it has errors"}, {"problems", problems}});
    const config::Live& live = proposal.config.live;
    Json answer = answer_of(control, proposal.changes, names_of(live.backends), names_of(live.listeners));
    answer["problems"] = problems;
    done(200, answer);
  });
}

}  // namespace postigo
