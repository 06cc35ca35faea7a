// Everything between a configuration that was read and a port that is opened. `serve` and `check` are one up to here:
// so check is never kinder, and both have the same words.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "config/load.h"
#include "proxy/privileges.h"
#include "proxy/snapshot.h"

namespace postigo {

struct Prepared {
  std::optional<Account> account;  // whom to become once the ports are bound
  uint64_t descriptors = 0;        // that the process may have
  unsigned workers = 0;
  unsigned password_threads = 0;
  int64_t sessions_max = 0;
  std::shared_ptr<Lasting> lasting;
  std::shared_ptr<Snapshot> snapshot;  // null if a problem is an error; its directories are not open yet
};

// Tells everything that is wrong, whatever else is. Raises the limit of descriptors; leaves nothing else behind: the
// log is not made, databases are opened as the account and closed. Blocking; main thread, before any other exists.
Prepared prepare(const config::Config& config, config::Problems& problems);

}  // namespace postigo
