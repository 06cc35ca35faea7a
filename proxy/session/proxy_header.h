// The PROXY header that a backend is sent before all else: on whose behalf the connection is made.
#pragma once

#include <string>

#include "config/config.h"
#include "proxy/session/summary.h"

namespace postigo {

// `client` may be null: then no address is told. `hops_left`: how many proxies the login may pass from the backend on;
// version 2 says it to those who understand it. REQUIRES: version != off.
std::string proxy_header(config::SendProxyHeader version, const Summary& summary, const Socket* client,
                         unsigned hops_left);

}  // namespace postigo
