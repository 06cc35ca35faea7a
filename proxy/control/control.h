// serve: the process from a checked configuration to its exit code.
#pragma once

#include <string>

#include "config/config.h"
#include "proxy/control/inheritance.h"
#include "proxy/control/preparation.h"

namespace postigo {

// The caller has forbidden core files (A33). `file`: where `config` came from, and where a new one is read. Runs until
// SIGTERM, SIGINT or SIGQUIT. Returns 0 after an orderly end, 1 when it could not start (standard error says why,
// wherever the log is) or a handle leaked (the log says which). Call it once, from the main thread, before any other
// thread exists.
// `inheritance`: what it takes over; the predecessor is told once it serves.
// REQUIRES: `prepared` is of this configuration and has a snapshot.
int serve(std::string file, config::Config config, Prepared prepared, Inheritance inheritance);

}  // namespace postigo
