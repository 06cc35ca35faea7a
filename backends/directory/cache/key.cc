// The parts in their order, the user first. Not here: what is kept (store.cc).
#include "backends/directory/cache/key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>

namespace postigo {
namespace {

void add_number(std::string& to, uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) to += static_cast<char>(number >> shift & 0xff);
}

void add(std::string& to, std::string_view part) {
  add_number(to, static_cast<uint32_t>(part.size()));
  to += part;
}

using Key = std::array<uint8_t, 32>;

Key random_key() {
  Key key;
  RAND_bytes(key.data(), key.size());
  return key;
}

}  // namespace

std::string cache_context(const Query& query, bool curious) {
  std::string context;
  context.reserve(128);
  for (std::string_view part : {std::string_view(query.user), std::string_view(query.mechanism), query.protocol,
                                std::string_view(query.listener), std::string_view(query.client_ip)}) {
    add(context, part);
  }
  add_number(context, static_cast<uint32_t>(query.want));
  if (!curious || query.circumstances == nullptr) return context;
  const Circumstances& how = *query.circumstances;
  add(context, how.local_ip);
  add_number(context, how.local_port);
  add_number(context, how.tls ? 1 : 0);
  add(context, how.tls_protocol);
  add(context, how.tls_cipher);
  return context;
}

bool is_of_user(std::string_view context, std::string_view user) {
  std::string head;
  add(head, user);
  return context.starts_with(head);
}

CacheStore::Digest secret_digest(const Secret& secret) {
  static const Key key = random_key();
  CacheStore::Digest digest;
  const auto* octets = reinterpret_cast<const uint8_t*>(secret.reveal().data());
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), key.size(), octets, secret.size(), digest.data(), &size) == nullptr) std::abort();
  return digest;
}

}  // namespace postigo
