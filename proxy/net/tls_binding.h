// What a TLS connection is known by to both of its ends, so that a login can be bound to it (RFC 5056).
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>

namespace postigo {

// Of the server's side of an open connection; octets. Empty: there is none of this type.
//   tls-exporter          RFC 9266; TLS 1.3, and 1.2 with the extended master secret (RFC 7627)
//   tls-unique            RFC 5929 3; TLS 1.2, not where a session was resumed without that extension
//   tls-server-end-point  RFC 5929 4; of the certificate that this connection was served with
std::string channel_binding(const SSL* ssl, std::string_view type);

}  // namespace postigo
