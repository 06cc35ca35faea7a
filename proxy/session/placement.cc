// Not here: who may serve him (backends/ledger/placement), where his other sessions are (binding.cc), whether a backend
// serves (upstream.cc).
#include "proxy/session/placement.h"

#include <uv.h>

#include <ctime>

#include "backends/ledger/placement.h"

namespace postigo {

Result<Route> place(const Snapshot& snapshot, const Moves& moves, const Identity& identity, std::string_view protocol,
                    bool explain) {
  auto route = place(*snapshot.router, moves, identity, protocol, std::time(nullptr), explain);
  if (route && route->shared == nullptr) route->home = route->candidates.front();
  // By what is known of backends at this moment.
  if (route && !route->ordered) {
    snapshot.order(*route, identity.user, *find_protocol(protocol), uv_hrtime() / 1'000'000);
  }
  return route;
}

}  // namespace postigo
