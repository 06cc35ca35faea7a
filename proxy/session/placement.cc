// Not here: where his other sessions are (binding.cc), whether a backend serves (upstream.cc).
#include "proxy/session/placement.h"

#include <uv.h>

#include <algorithm>
#include <ctime>

namespace postigo {
namespace {

Result<Route> routed(const Snapshot& snapshot, const Identity& identity, std::string_view protocol, bool explain) {
  const int64_t now_s = std::time(nullptr);
  return explain ? snapshot.router->explain(identity, protocol, now_s)
                 : snapshot.router->route(identity, protocol, now_s);
}

// By what is known of backends at this moment.
void arrange(const Snapshot& snapshot, Route& route, const Identity& identity, std::string_view protocol) {
  snapshot.order(route, identity.user, *find_protocol(protocol), uv_hrtime() / 1'000'000);
}

// A shard or a backend that is not there any more is no reason to refuse anybody.
std::optional<Route> ordered(const Snapshot& snapshot, const Ledger& ledger, const Identity& identity,
                             std::string_view protocol) {
  auto order = ledger.moves.find(identity.user, static_cast<uint64_t>(std::time(nullptr)));
  if (!order) return std::nullopt;
  Identity moved = identity;
  moved.pool = order->pool;
  moved.shard = order->shard;
  auto route = routed(snapshot, moved, protocol, false);
  if (!route || route->candidates.empty()) return std::nullopt;
  route->shared = nullptr;  // there, and nowhere else
  auto first = std::find_if(route->candidates.begin(), route->candidates.end(),
                            [&](const config::Backend* each) { return each->name == order->backend; });
  route->ordered = first != route->candidates.end();
  if (route->ordered) std::rotate(route->candidates.begin(), first, first + 1);
  if (!route->ordered) arrange(snapshot, *route, identity, protocol);
  route->reason = "moved by an operator";
  return std::move(*route);
}

}  // namespace

Result<Route> place(const Snapshot& snapshot, const Ledger& ledger, const Identity& identity, std::string_view protocol,
                    bool explain) {
  if (ledger.moves.size() > 0) {
    if (auto route = ordered(snapshot, ledger, identity, protocol)) return std::move(*route);
  }
  auto route = routed(snapshot, identity, protocol, explain);
  if (route) arrange(snapshot, *route, identity, protocol);
  return route;
}

}  // namespace postigo
