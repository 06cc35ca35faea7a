// Not here: where his other sessions are (candidates.cc), whether a backend serves (balance/selection.cc).
#include "backends/ledger/placement.h"

#include <algorithm>

namespace postigo {
namespace {

// A shard or a backend that is not there any more is no reason to refuse anybody.
std::optional<Route> ordered(const Router& router, const Moves& moves, const Identity& identity,
                             std::string_view protocol, int64_t now_s) {
  auto order = moves.find(identity.user, static_cast<uint64_t>(now_s));
  if (!order) return std::nullopt;
  Identity moved = identity;
  moved.pool = order->pool;
  moved.shard = order->shard;
  moved.backend.clear();
  auto route = router.route(moved, protocol, now_s);
  if (!route || route->candidates.empty()) return std::nullopt;
  route->shared = nullptr;  // there, and nowhere else
  auto first = std::find_if(route->candidates.begin(), route->candidates.end(),
                            [&](const config::Backend* each) { return each->name == order->backend; });
  route->ordered = first != route->candidates.end();
  if (route->ordered) std::rotate(route->candidates.begin(), first, first + 1);
  route->reason = "moved by an operator";
  return std::move(*route);
}

}  // namespace

Result<Route> place(const Router& router, const Moves& moves, const Identity& identity, std::string_view protocol,
                    int64_t now_s, bool explain) {
  if (moves.size() > 0) {
    if (auto route = ordered(router, moves, identity, protocol, now_s)) return std::move(*route);
  }
  return explain ? router.explain(identity, protocol, now_s) : router.route(identity, protocol, now_s);
}

}  // namespace postigo
