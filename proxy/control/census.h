// Census: sessions that are at a backend, or on their way to one, over all workers: of certain users, or of one
// backend. Asked of this process, or of its predecessors, too.
//
// Control thread; `then` is called there.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "backends/balance/siphash.h"
#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

// Of one user. Those that are relayed were told to go; they are still among those that are left.
struct Evicted {
  uint64_t left = 0, ended = 0;
};
struct Eviction {
  NameMap<Evicted> users;            // all that were asked for
  std::vector<std::string> missing;  // processes that did not answer: nobody knows who is left there
};
struct Occupants {
  std::set<std::string> users;
  std::vector<std::string> missing;  // the same
};

void evict_users(ControlThread& control, const std::vector<std::string>& users, std::function<void(Eviction)> then);
// Those whose sessions are relayed to that backend.
void find_occupants(ControlThread& control, const std::string& backend, std::function<void(Occupants)> then);

// What a successor asks of this process for the same.
void evict_here(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void occupants_here(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
