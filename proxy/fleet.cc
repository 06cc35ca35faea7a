// Names to states. Not here: settings, which belong to a snapshot (snapshot.h); counters (base/stats.h).
#include "proxy/fleet.h"

#include <fmt/format.h>
#include <uv.h>

#include <algorithm>

#include "backends/balance/siphash.h"
#include "proxy/base/events.h"
#include "proxy/base/slot_table.h"

namespace postigo {

std::optional<Wanted> wanted_of(std::string_view name) {
  auto found = std::find(kWantedNames.begin(), kWantedNames.end(), name);
  if (found == kWantedNames.end()) return std::nullopt;
  return static_cast<Wanted>(found - kWantedNames.begin());
}

BackendState::BackendState(std::string called, size_t number)
    : name(std::move(called)), slot(number), outage(events::backend_away, events::backend_back, name) {
  for (size_t i = 0; i < protocols().size(); ++i) {
    health_.push_back(std::make_unique<SharedHealth>(SeededHash{}(name) + i, uv_hrtime() / 1'000'000));
  }
}

Fleet::Fleet() : directories_(events::directory_away, events::directory_back, "") {}

template <typename State>
Result<State*> Fleet::Names<State>::get(std::string_view name, std::mutex& mutex, const char* kind) {
  std::lock_guard lock(mutex);
  if (auto found = by_name.find(name); found != by_name.end()) return found->second;
  if (states.size() == SlotTable<int>::kSlotsMax) {
    return fail(fmt::format("more than {} names of {} were used since the start: restart", states.size(), kind));
  }
  State& made = states.emplace_back(std::string(name), states.size());
  by_name.emplace(made.name, &made);
  return &made;
}

Result<BackendState*> Fleet::backend(std::string_view name) { return backends_.get(name, mutex_, "backends"); }
Result<ListenerState*> Fleet::listener(std::string_view name) { return listeners_.get(name, mutex_, "listeners"); }

size_t Fleet::backends() const {
  std::lock_guard lock(mutex_);
  return backends_.states.size();
}

size_t Fleet::listeners() const {
  std::lock_guard lock(mutex_);
  return listeners_.states.size();
}

std::vector<const BackendState*> Fleet::all_backends() const {
  std::lock_guard lock(mutex_);
  std::vector<const BackendState*> all;
  for (const BackendState& each : backends_.states) all.push_back(&each);
  return all;
}

std::vector<const ListenerState*> Fleet::all_listeners() const {
  std::lock_guard lock(mutex_);
  std::vector<const ListenerState*> all;
  for (const ListenerState& each : listeners_.states) all.push_back(&each);
  return all;
}

}  // namespace postigo
