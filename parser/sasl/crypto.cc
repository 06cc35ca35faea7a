// Wrappers. Not here: any cryptography of our own, hashing of stored passwords (backends/directory/password.cc).
#include "parser/sasl/crypto.h"

#include <openssl/digest.h>
#include <openssl/hmac.h>

#include <array>

namespace postigo::sasl {
namespace {

using Octets = std::array<unsigned char, EVP_MAX_MD_SIZE>;

Secret taken(Octets& octets, unsigned size) {
  Secret result(Bytes(reinterpret_cast<const char*>(octets.data()), size));
  wipe(octets.data(), octets.size());
  return result;
}

}  // namespace

Secret hmac(const EVP_MD* hash, Bytes key, Bytes text) {
  Octets octets;
  unsigned size = 0;
  HMAC(hash, key.data(), key.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), octets.data(),
       &size);
  return taken(octets, size);
}

Secret digest(const EVP_MD* hash, Bytes text) {
  Octets octets;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), octets.data(), &size, hash, nullptr);
  return taken(octets, size);
}

std::string hex(Bytes octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (char c : octets) {
    auto octet = static_cast<unsigned char>(c);
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::string message_id(const Facts& facts, Bytes hostname) {
  std::string id = "<" + facts.unique() + "@";
  id.append(hostname.empty() ? Bytes("localhost") : hostname);
  return id + ">";
}

}  // namespace postigo::sasl
