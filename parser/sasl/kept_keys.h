// SCRAM's keys on the client's side, and KeptKeys: those of the secrets that were used last.
//
// To make them costs as many hashes as the server asks for: 4096 are 0.5 ms, 20,000 are 2.2 ms (measured), which a
// worker does at once: an RSA handshake costs it as much. But logins with a master's secret are all alike, so its keys
// are kept, and such a login costs little more than one with PLAIN.
#pragma once

#include <openssl/base.h>

#include <cstddef>
#include <list>
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

// One per backend. Any thread: a mutex is held for comparisons, never while keys are made. The master's secret stays in
// it also where a directory has another one for some of the users.
class KeptKeys {
 public:
  ClientKeys get(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations);

 private:
  struct Entry {
    const EVP_MD* hash = nullptr;
    Secret password;
    std::string salt;
    unsigned iterations = 0;
    ClientKeys keys;
  };
  static constexpr size_t kEntries = 64;

  const ClientKeys* find(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations);

  std::mutex mutex_;
  std::list<Entry> entries_;  // used last: first
};

}  // namespace postigo::sasl
