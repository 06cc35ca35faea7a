// From a file to a configuration that could take effect: read, checked and built whole, beside the one that runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/diff.h"
#include "config/load.h"
#include "proxy/snapshot.h"

namespace postigo {

// What runs, as far as a new configuration is compared with it or takes over from it.
struct Running {
  std::string file;
  config::Config config;
  std::shared_ptr<const Snapshot> snapshot;
};

struct Proposal {
  config::Problems problems;  // with their places in the file
  config::Config config;
  std::vector<config::Change> changes;       // from what runs
  std::shared_ptr<const Snapshot> snapshot;  // null if a problem is an error
  bool of_file = false;                      // which was read for it
};

// Loads and checks as `check` and `serve` do. Blocking; any thread. Has no effect but on names in `lasting`.
Proposal propose(const Running& running, Lasting& lasting);

// The same configuration with its certificates read again, and with what SRV records say now.
Proposal propose_again(const Running& running, Lasting& lasting);

// A hash of all keys but secrets, in twelve hexadecimal digits.
std::string fingerprint(const config::Config& config);

}  // namespace postigo
