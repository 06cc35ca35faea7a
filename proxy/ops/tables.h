// The tables of families, in the order in which an operator asks: is it full, who comes, who gets in, where to, how
// long, how much. Beside every gauge of use stands its limit, so that saturation needs no knowledge of the
// configuration.
#pragma once

#include <span>

#include "proxy/ops/families.h"

namespace postigo {

std::span<const Family> door_families();     // connections: metrics_door.cc
std::span<const Family> tls_families();      // of clients and towards backends: metrics_tls.cc
std::span<const Family> login_families();    // metrics_logins.cc
std::span<const Family> guard_families();    // penalties, limits, policy: metrics_guard.cc
std::span<const Family> backend_families();  // metrics_backends.cc
std::span<const Family> pool_families();     // which backends are in which pool: metrics_pools.cc
std::span<const Family> user_families();     // metrics_users.cc
std::span<const Family> health_families();   // metrics_health.cc
std::span<const Family> room_families();     // limits of listeners, pools, backends; rates: metrics_room.cc
std::span<const Family> traffic_families();  // metrics_traffic.cc
std::span<const Family> process_families();  // metrics_process.cc

}  // namespace postigo
