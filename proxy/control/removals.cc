// Not here: how they are spread (let_go.cc), counters of a backend, which stay (fleet.h).
#include "proxy/control/removals.h"

#include <algorithm>

#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/let_go.h"

namespace postigo {
namespace {

bool has(const config::Live& live, const std::string& name) {
  return std::any_of(live.backends.begin(), live.backends.end(),
                     [&](const config::Backend& each) { return each.name == name; });
}

}  // namespace

void Removals::exchanged(const config::Live& before, const config::Live& now) {
  for (const config::Backend& backend : before.backends) {
    bool goes = backend.on_remove == config::OnRemove::drain && !has(now, backend.name);
    if (goes) let_go_of(backend.name, now.leaving.remove_time_ms);
  }
  for (const config::Backend& backend : now.backends) {
    if (leaving_.erase(backend.name) == 0) continue;
    keep(backend.name);
  }
}

void Removals::keep(const std::string& backend) {
  let_stay(control_, {.backend = backend}, CloseReason::backend_removed);
}

void Removals::let_go_of(const std::string& backend, uint64_t over_ms) {
  leaving_.insert(backend);
  LetGo order{
      .filter = {.backend = backend}, .why = CloseReason::backend_removed, .over_ms = over_ms, .also_logins = false};
  let_go(control_, std::move(order), [this, backend, over_ms](LetGone gone) {
    if (!leaving_.contains(backend)) keep(backend);  // it came back while they were told
    log::write(events::backend_removed, {{"backend", backend},
                                         {"sessions", gone.ended + gone.leaving},
                                         {"seconds", static_cast<double>(over_ms) / 1000}});
  });
}

}  // namespace postigo
