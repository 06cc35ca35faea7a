// Counts a TLS handshake, once, when it is over. On the thread of who counts.
#pragma once

#include <openssl/ssl.h>

#include "proxy/base/tls_stats.h"

namespace postigo {

// REQUIRES: the handshake has succeeded.
void count_handshake(TlsStats& stats, const SSL* ssl);

}  // namespace postigo
