// Who is tried, and who waits for that. Not here: what "reached" means (the drivers).
#include "backends/directory/drivers/server_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace postigo {

ServerOrder::Turn ServerOrder::begin(uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  const bool none = std::all_of(servers_.begin(), servers_.end(), [](const Server& server) { return server.away; });
  if (none && trial_) return {};
  trial_ = none;
  std::vector<size_t> order(servers_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](size_t each) { return !servers_[each].away || servers_[each].rests_until_ms <= now_ms; });
  return {std::move(order), none};
}

void ServerOrder::end(const Turn& turn) {
  std::lock_guard lock(mutex_);
  if (turn.trial) trial_ = false;
}

void ServerOrder::served(size_t server) {
  std::lock_guard lock(mutex_);
  servers_[server] = {};
}

void ServerOrder::failed(size_t server, uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  servers_[server] = {true, now_ms + kRest_ms};
}

}  // namespace postigo
