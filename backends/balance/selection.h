// Selection: in which order a user's candidates are tried now. The Router says who may serve him; here that meets what
// operators want, what is believed of each backend, and, where any backend serves any user, the pool's policy and
// zones.
//
// Pure: what is known of a backend is asked for. Nobody who may serve is left out, and who may not comes behind all who
// may; he stays, because what is believed may be wrong, and a trial must be possible.
#pragma once

#include <cstdint>
#include <functional>

#include "backends/router.h"

namespace postigo {

// What is known of a backend at this moment.
struct Claim {
  bool serves = true;    // or: a trial by a login is due, and nothing but a login can tell
  unsigned share = 100;  // in a hundred of the users who would come here first; the others prefer the next
  uint64_t sessions = 0;
};

class Selection {
 public:
  struct World {
    const Router& router;
    std::string_view zone;  // ours; empty: zones do not matter
    std::function<Claim(const config::Backend&)> claim;
    std::function<uint64_t()> dice;  // any number, for least_sessions
    std::function<uint64_t()> turn;  // the next number, for round_robin
  };
  static constexpr size_t kCandidatesMax = 6;  // of a shared pool

  explicit Selection(const World& world) : world_(world) {}

  void order(Route& route, Bytes user, std::string_view protocol) const;

 private:
  using Candidates = std::vector<const config::Backend*>;
  void order_shard(Route& route, Bytes user) const;
  void order_pool(Route& route, Bytes user, std::string_view protocol) const;
  Candidates lottery(const Route& route, std::string_view protocol,
                     const std::function<bool(const config::Backend&)>& wanted) const;
  const config::Backend* less_busy(const Route& route, const Candidates& members) const;
  bool stays_in_zone(const Route& route, Bytes user, std::string_view protocol) const;
  bool here(const config::Backend& backend) const {
    return world_.zone.empty() || backend.zone.empty() || backend.zone == world_.zone;
  }

  const World& world_;
};

}  // namespace postigo
