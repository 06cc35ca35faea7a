// The line. Not here: what changes and why (backends/balance/health.cc).
#include "proxy/session/health_log.h"

#include "proxy/base/events.h"

namespace postigo {

void write_health(std::string_view backend, std::string_view protocol, const Health::Change& change) {
  auto serves_all = [](HealthState state) { return state == HealthState::up || state == HealthState::suspect; };
  bool calm = serves_all(change.before) && serves_all(change.now);
  log::write(calm ? events::backend_suspected : events::backend_health,
             {{"backend", backend},
              {"protocol", protocol},
              {"health", name_of(change.now)},
              {"before", name_of(change.before)},
              {"seconds", static_cast<double>(change.lasted_ms) / 1000},
              {"detail", change.why}});
}

}  // namespace postigo
