// Not here: the exchange (scram_client.cc), keys that a server keeps (backends/directory/scram_keys.cc).
#include "parser/sasl/kept_keys.h"

#include <openssl/digest.h>
#include <openssl/evp.h>

#include <algorithm>
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

const ClientKeys* KeptKeys::find(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return each.hash == hash && each.iterations == iterations && each.salt == salt && each.password.equals(password);
  });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &found->keys;
}

ClientKeys KeptKeys::get(const EVP_MD* hash, Bytes password, Bytes salt, unsigned iterations) {
  {
    std::lock_guard lock(mutex_);
    if (const ClientKeys* kept = find(hash, password, salt, iterations)) return *kept;
  }
  ClientKeys made = derive_client_keys(hash, password, salt, iterations);
  std::lock_guard lock(mutex_);
  if (find(hash, password, salt, iterations) != nullptr) return made;  // another thread was as quick
  entries_.push_front({hash, Secret(password), std::string(salt), iterations, made});
  if (entries_.size() > kEntries) entries_.pop_back();
  return made;
}

}  // namespace postigo::sasl
