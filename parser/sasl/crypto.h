// What mechanisms need of BoringSSL, with our types: results are Secrets, and nothing fails.
#pragma once

#include <openssl/base.h>

#include <string>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"
#include "parser/sasl/facts.h"

namespace postigo::sasl {

Secret hmac(const EVP_MD* hash, Bytes key, Bytes text);
Secret digest(const EVP_MD* hash, Bytes text);
std::string hex(Bytes octets);  // in lower case

// "<...@hostname>", as a msg-id looks (RFC 1939 7, RFC 2195 2). Never the same again.
std::string message_id(const Facts& facts, Bytes hostname);

}  // namespace postigo::sasl
