// What name servers say of services is looked at like what an operator writes: as they may say something else tomorrow,
// when backends are put in their place, at the start as well as while it runs.
#pragma once

#include "config/load.h"
#include "config/srv.h"

namespace postigo::config {

// `written`: the configuration; `all`: expand() of it. An error for a target that is ourselves, a warning for one that
// lacks a protocol in a pool with affinity.
Problems check_targets(const Live& written, const Expanded& all);

// The listener that is at this host and port, as far as names show; empty: none.
std::string own_listener(const Live& live, const std::string& host, uint16_t port);

}  // namespace postigo::config
