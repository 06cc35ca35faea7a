// An order takes effect, is written down, and is answered. Not here: what it means for a login (session/upstream.cc),
// where it is kept (standing_orders.cc).
#include "proxy/control/verbs_backend.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"
#include "proxy/control/verbs.h"

namespace postigo {
namespace {

// In a shard of its own a backend has all users, whatever its weight.
bool has_company(const config::Live& live, const std::string& backend) {
  for (const config::Pool& pool : live.pools) {
    for (const config::Shard& shard : pool.shards) {
      bool here = std::find(shard.backends.begin(), shard.backends.end(), backend) != shard.backends.end();
      if (here && shard.backends.size() > 1) return true;
    }
  }
  return false;
}

// What was wrong, or empty.
std::string give_order(StandingOrders& orders, BackendState& backend, const Json& parameters) {
  std::string word = parameters.at("state");
  if (word != "down" && parameters.contains("over")) return "a time belongs to down only";
  if (word != "weight" && parameters.contains("weight")) return "a number belongs behind weight only";
  if (word != "weight") {
    orders.set(backend, *wanted_of(word));
    return {};
  }
  if (!parameters.contains("weight")) return "weight is missing: a number from 0 to 100";
  uint64_t weight = parameters.at("weight");
  if (weight > kWeightWhole) return "weight: must be from 0 to 100";
  orders.set_weight(backend, static_cast<uint8_t>(weight));
  return {};
}

std::string note_of(ControlThread& control, const Json& parameters, const std::string& failure) {
  if (parameters.at("state") == "weight" && !has_company(control.running().snapshot->live, parameters.at("name"))) {
    return "without effect: no shard has another backend for its users";
  }
  if (control.orders().file().empty()) return "forgotten at a restart: there is no [server] state_file";
  return failure.empty() ? "" : "forgotten at a restart: " + failure;
}

}  // namespace

void set_backend(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string name = parameters.at("name");
  const Backend* backend = control.running().snapshot->find_backend(name);
  if (backend == nullptr) return done(404, {{"error", "there is no backend \"" + name + "\""}});
  BackendState& state = *backend->state;
  if (std::string wrong = give_order(control.orders(), state, parameters); !wrong.empty()) {
    return done(422, {{"error", wrong}});
  }
  auto kept = [&control, &state, parameters, done = std::move(done)](const std::string& failure, const Json& gone) {
    Json answer = {{"name", state.name}, {"state", name_of(state.wanted)}, {"weight", state.weight.load()}};
    answer.update(gone);
    if (std::string note = note_of(control, parameters, failure); !note.empty()) answer["note"] = note;
    done(200, answer);
  };
  control.keep_orders([&control, name, parameters, kept = std::move(kept)](const std::string& failure) {
    if (parameters.at("state") != "down") return kept(failure, {{"ended", 0}, {"leaving", 0}});
    kick_everywhere(control, {{"backend", name}, {"over", parameters.value("over", uint64_t{0})}},
                    [kept, failure](int, const Json& gone) { kept(failure, gone); });
  });
}

}  // namespace postigo
