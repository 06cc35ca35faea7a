// Why a TLS connection failed, in words for a log: what happened first, then BoringSSL's own name for it.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "parser/base/bytes.h"

namespace postigo {

// Takes the errors of this thread's queue. `ssl_error`: what SSL_get_error said. Names and times out of a peer's
// certificate are the peer's words: a log escapes them. `received`: the octets at which it failed, or empty.
std::string tls_failure(const SSL* ssl, int ssl_error, Bytes received);

}  // namespace postigo
