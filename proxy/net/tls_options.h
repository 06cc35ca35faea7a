// What contexts towards clients and towards backends have in common: versions, ciphers, a certificate of our own.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "config/load.h"
#include "proxy/net/pem.h"

namespace postigo {

// Allows TLS from `min_version` to 1.3 and of TLS 1.2 only `ciphers` (OpenSSL's language; empty: a safe choice). A list
// that cannot be used is an error under `path`.ciphers that names what is wrong in it. False if there is any.
bool restrict_protocol(SSL_CTX* context, uint16_t min_version, const std::string& ciphers, const std::string& path,
                       config::Problems& problems);

// `context` takes references; the pair stays the caller's.
void install(SSL_CTX* context, const KeyPair& pair);

}  // namespace postigo
