// SCRAM's keys on the client's side, and KeptKeys: those of the secret that was used last.
//
// To make them costs as many hashes as the server asks for: 4096 are 0.5 ms, 20,000 are 2.2 ms (measured), which a
// worker does at once: an RSA handshake costs it as much. But logins with a master's secret are all alike, so its keys
// are kept, and such a login costs little more than one with PLAIN.
#pragma once

#include <openssl/base.h>

#include <mutex>
#include <string>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"

namespace postigo::sasl {

struct ClientKeys {
  Secret client_key, server_key;
};

// RFC 5802 3. `salt` in octets. Blocks for as long as `iterations` of HMAC take.
ClientKeys derive_client_keys(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations);

// One per backend. Any thread: a mutex is held for a comparison, never while keys are made.
class KeptKeys {
 public:
  ClientKeys get(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations);

 private:
  std::mutex mutex_;
  const EVP_MD* hash_ = nullptr;
  Secret password_;
  std::string salt_;
  unsigned iterations_ = 0;
  ClientKeys keys_;
};

}  // namespace postigo::sasl
