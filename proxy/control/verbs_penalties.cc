// What operators see of the penalties, and how they let somebody off. Not here: who gets one (backends/ledger/penalty).
#include "proxy/control/verbs_penalties.h"

#include <nlohmann/json.hpp>

#include "backends/router.h"
#include "config/network.h"
#include "proxy/control/control_thread.h"

namespace postigo {

void penalties(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  constexpr size_t kLimit = 100;
  Json rows = Json::array();
  const PenaltyRules& rules = control.running().snapshot->penalty;
  for (auto& row : control.penalties().list(rules, parameters.value("limit", kLimit), control.loop().now_ms())) {
    rows.push_back({{"whom", row.whom},
                    {"kind", row.user ? "user" : "address"},
                    {"failures", row.failures},
                    {"wait_s", static_cast<double>(row.wait_ms) / 1000.0}});
  }
  done(200, {{"penalties", rows}});
}

void forgive(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string whom = parameters.at("whom");
  const Snapshot& snapshot = *control.running().snapshot;
  size_t forgiven = 0;
  if (auto network = config::parse_network(whom)) {
    forgiven = control.penalties().forgive(snapshot.penalty, *network, control.loop().now_ms());
  } else {
    forgiven = control.penalties().forgive_user(snapshot.router->normalise(whom));
  }
  done(200, {{"forgiven", forgiven}});
}

}  // namespace postigo
