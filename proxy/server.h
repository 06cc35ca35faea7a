// serve: the process from a checked configuration to its exit code.
#pragma once

#include "config/config.h"

namespace postigo {

// The caller has forbidden core files (A33). Runs until SIGTERM or SIGINT. Returns 0 after an orderly end, 1 when it
// could not start or a handle leaked (the log says which). Call it once, from the main thread, before any other thread
// exists.
int serve(config::Config config);

}  // namespace postigo
