// Fleet: backends and listeners by their names, whatever configurations come and go. Who comes back under a name is the
// same one: its counters go on, what is under way at it still counts.
//
// Names are given slots (indexes of the workers' tables of counters) once and for ever. The control thread adds names;
// any thread looks at what a state holds. States live as long as the Fleet, which outlives workers and snapshots.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/balance/departures.h"
#include "backends/balance/occupancy.h"
#include "backends/balance/shared_health.h"
#include "parser/base/counter.h"
#include "parser/base/result.h"
#include "parser/protocol.h"
#include "proxy/session/outage.h"

namespace postigo {

// What an operator wants of a backend, whatever the configuration says.
enum class Wanted : uint8_t {
  automatic,  // nothing
  ready,      // it serves, whatever else speaks against it
  drain,      // no new logins; sessions stay
  down,       // no new logins; sessions were let go
};
inline constexpr std::array<std::string_view, 4> kWantedNames = {"auto", "ready", "drain", "down"};

constexpr std::string_view name_of(Wanted wanted) { return kWantedNames[static_cast<size_t>(wanted)]; }
constexpr bool takes_logins(Wanted wanted) { return wanted == Wanted::automatic || wanted == Wanted::ready; }
std::optional<Wanted> wanted_of(std::string_view name);  // of no name: none

inline constexpr uint8_t kWeightWhole = 100;

// refused: it greeted well, and the account for probes cannot log in.
enum class ProbeResult : uint8_t { ok, failed, refused };
inline constexpr std::array<std::string_view, 3> kProbeResultNames = {"ok", "failed", "refused"};

struct BackendState : Occupancy {
  BackendState(std::string called, size_t number);

  // What is believed of its service of a protocol, by the protocol's place in protocols().
  SharedHealth& health(size_t protocol) { return *health_[protocol]; }
  const SharedHealth& health(size_t protocol) const { return *health_[protocol]; }

  const std::string name;
  const size_t slot;                                     // in WorkerStats::backends
  Departures lost;                                       // of those whose connection to it broke
  std::array<Counter, kProbeResultNames.size()> probes;  // by the control thread
  std::atomic<Wanted> wanted{Wanted::automatic};
  // Of the users who would come here first, in a hundred; the others prefer the next (backends/balance/preference.h).
  std::atomic<uint8_t> weight{kWeightWhole};
  Outage outage;
  // What it listed after the last login, by the protocol's place (session/capability_digest.h); 0: nothing yet.
  std::array<std::atomic<uint64_t>, kProtocolsMax> capabilities{};

 private:
  std::vector<std::unique_ptr<SharedHealth>> health_;
};

struct ListenerState {
  ListenerState(std::string called, size_t number) : name(std::move(called)), slot(number) {}

  const std::string name;
  const size_t slot;                               // in WorkerStats::listeners
  std::atomic<const Protocol*> protocol{nullptr};  // that it spoke last; null if it never took effect
  std::atomic<int64_t> sessions{0};                // over all workers
};

class Fleet {
 public:
  Fleet();

  // The one of that name, made if there was none. Fails when more names were used than the workers have slots.
  Result<BackendState*> backend(std::string_view name);
  Result<ListenerState*> listener(std::string_view name);

  size_t backends() const;   // slots that were given
  size_t listeners() const;  // slots that were given
  std::vector<const BackendState*> all_backends() const;
  std::vector<const ListenerState*> all_listeners() const;

  Outage& directories() { return directories_; }  // of all directories together

 private:
  template <typename State>
  struct Names {
    std::deque<State> states;  // by slot
    std::map<std::string, State*, std::less<>> by_name;
    Result<State*> get(std::string_view name, std::mutex& mutex, const char* kind);
  };

  mutable std::mutex mutex_;
  Names<BackendState> backends_;
  Names<ListenerState> listeners_;
  Outage directories_;
};

}  // namespace postigo
