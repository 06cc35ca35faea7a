// A whole run: phases over all threads, marks for whoever reads clocks meanwhile, the report. Not here: the work.
#pragma once

#include "bench/load/options.h"

namespace postigo::bench {

// Returns the exit code.
int run(const Options& options);

}  // namespace postigo::bench
