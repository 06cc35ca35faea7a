// Not here: the exchange (scram_client.cc), keys that a server keeps (backends/directory/scram_keys.cc).
#include "parser/sasl/kept_keys.h"

#include <openssl/digest.h>
#include <openssl/evp.h>

#include <array>

#include "parser/sasl/crypto.h"

namespace postigo::sasl {

ClientKeys derive_client_keys(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  const size_t size = EVP_MD_size(hash);
  PKCS5_PBKDF2_HMAC(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                    iterations, hash, size, octets.data());
  const Secret salted(Bytes(reinterpret_cast<const char*>(octets.data()), size));
  wipe(octets.data(), octets.size());
  return {hmac(hash, salted.reveal(), "Client Key"), hmac(hash, salted.reveal(), "Server Key")};
}

ClientKeys KeptKeys::get(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  {
    std::lock_guard lock(mutex_);
    bool same = hash_ == hash && iterations_ == iterations && salt_ == salt && password_.equals(password);
    if (same) return keys_;
  }
  ClientKeys made = derive_client_keys(hash, password, salt, iterations);
  std::lock_guard lock(mutex_);
  hash_ = hash;
  password_ = Secret(password);
  salt_ = salt;
  iterations_ = iterations;
  keys_ = made;
  return made;
}

}  // namespace postigo::sasl
