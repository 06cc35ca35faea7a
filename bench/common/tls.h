// BoringSSL contexts of the bench's tools: X25519 alone, TLS 1.2 and 1.3, so that every program in a comparison does
// the same arithmetic. Not here: records and handshakes (stream.cc).
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace postigo::bench {

class Loop;
class Stream;

using Context = bssl::UniquePtr<SSL_CTX>;

// Throw std::runtime_error with the reason. An empty ca: certificates are not checked.
Context server_context(const std::string& certificate, const std::string& key);
Context server_context(X509* certificate, EVP_PKEY* key);
Context client_context(const std::string& ca);

// Over the loop's BIO. `keeper` gets the newest ticket, if it is not null.
bssl::UniquePtr<SSL> new_ssl(Loop& loop, SSL_CTX* context, Stream* keeper);

}  // namespace postigo::bench
