// What operators see of the penalties, and how they let somebody off. Not here: who gets one (backends/ledger/penalty).
#include "proxy/control/verbs_penalties.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backends/router.h"
#include "config/network.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/verbs.h"

namespace postigo {
namespace {

// What no user is called: a slip of the pen must not pass for a user without penalties.
bool looks_like_network(std::string_view whom) {
  bool digits = whom.find_first_not_of("0123456789.") == std::string_view::npos;
  return whom.empty() || whom.find_first_of("/:") != std::string_view::npos ||
         (digits && std::count(whom.begin(), whom.end(), '.') == 3);
}

}  // namespace

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
  auto network = config::parse_network(whom);
  if (!network && looks_like_network(whom)) return done(422, {{"error", "whom: " + network.error().message}});
  if (network) {
    forgiven = control.penalties().forgive(snapshot.penalty, *network, control.loop().now_ms());
  } else {
    auto user = user_of(control, {{"user", whom}}, done);
    if (!user) return;
    forgiven = control.penalties().forgive_user(*user);
  }
  done(200, {{"forgiven", forgiven}});
}

}  // namespace postigo
