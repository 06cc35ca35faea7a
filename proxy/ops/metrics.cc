// A scrape: what all tables have to tell. Not here: the families (tables.h), where their numbers come from (tallies.h).
#include "proxy/ops/metrics.h"

#include <algorithm>

#include "proxy/ops/tables.h"

namespace postigo {
namespace {

std::vector<const ListenerState*> listeners_of(const MetricsSource& source) {
  std::vector<const ListenerState*> known = source.shared->fleet.all_listeners();
  std::erase_if(known, [](const ListenerState* each) { return each->protocol.load() == nullptr; });
  return known;
}

std::vector<const BackendState*> backends_of(const MetricsSource& source) {
  std::vector<const BackendState*> known = source.shared->fleet.all_backends();
  std::erase_if(known, [&](const BackendState* each) {
    if (source.snapshot->find_backend(each->name) != nullptr) return false;
    return std::all_of(source.workers.begin(), source.workers.end(),
                       [&](const WorkerStats* worker) { return worker->backends[each->slot].sessions.get() == 0; });
  });
  return known;
}

std::vector<std::pair<const Protocol*, size_t>> protocols_of(const MetricsSource& source) {
  std::vector<std::pair<const Protocol*, size_t>> spoken;
  for (size_t p = 0; p < protocols().size(); ++p) {
    const Protocol* protocol = &protocols()[p];
    bool is_spoken = std::any_of(source.listeners.begin(), source.listeners.end(),
                                 [&](const ListenerState* each) { return each->protocol.load() == protocol; });
    if (is_spoken) spoken.emplace_back(protocol, p);
  }
  return spoken;
}

}  // namespace

std::string Metrics::page() const {
  std::shared_ptr<const Snapshot> pinned = source_.shared->published.get();
  MetricsSource source = source_;
  source.snapshot = pinned.get();
  source.listeners = listeners_of(source);
  source.backends = backends_of(source);
  source.protocols = protocols_of(source);
  Families out(last_size_ + last_size_ / 16);
  for (auto table : {door_families, tls_families, login_families, guard_families, backend_families, pool_families,
                     user_families, health_families, room_families, traffic_families, process_families}) {
    for (const Family& row : table()) out.add(row, source);
  }
  std::string page = out.take();
  last_size_ = page.size();
  return page;
}

}  // namespace postigo
