// Everything between a configuration that was read and a port that is opened. `serve` and `check` are one up to here:
// so check is never kinder, and both have the same words.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "config/load.h"
#include "proxy/control/privileges.h"
#include "proxy/snapshot.h"

namespace postigo {

using Inherited = std::set<std::string, std::less<>>;

struct Prepared {
  std::optional<Account> account;  // whom to become once the ports are bound
  uint64_t descriptors = 0;        // that the process may have
  unsigned workers = 0;
  unsigned password_threads = 0;
  std::shared_ptr<Lasting> lasting;
  std::shared_ptr<Snapshot> snapshot;  // null if a problem is an error; its directories are not open yet
};

// How many sessions there may be at a time: as configured (0: as many as possible), as far as the descriptors reach.
// With so many descriptors kept for connections that are ready.
int64_t sessions_possible(const Prepared& prepared, uint64_t configured, uint64_t ready_max);
// Of those at all backends together: a small part of the descriptors.
uint64_t ready_possible(const Prepared& prepared, const config::Live& live);

// Tells everything that is wrong, whatever else is. Raises the limit of descriptors; leaves nothing else behind: the
// log is not made, databases are opened as the account and closed. Blocking; main thread, before any other exists.
// Sockets of these names (control/estate.h) listen already, and are not tried. To `serve` name servers are asked about
// services that stand for backends: for a few seconds at most.
enum class Purpose { check, serve };
struct Given {
  Purpose purpose = Purpose::check;
  Inherited sockets;
  config::SrvRecords services;  // that a predecessor knew
};
Prepared prepare(const config::Config& config, config::Problems& problems, const Given& given = {});

}  // namespace postigo
