// Ticket sealing with AES-256-GCM: key name, nonce, sealed session. Not here: which sessions may be resumed where
// (session id context, tls_server.cc).
#include "proxy/net/ticket_keys.h"

#include <openssl/aead.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace postigo {
namespace {

constexpr size_t kNameSize = 16;
constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;

constexpr uint64_t kHintMaxS = 7 * 86'400;  // RFC 8446 4.6.1

// BoringSSL leaves the key schedule, from which the key can be read, where the context was: here, on a stack.
class Aead {
 public:
  explicit Aead(const TicketKeys::Key& key) {
    ok_ = EVP_AEAD_CTX_init(context_.get(), EVP_aead_aes_256_gcm(), key.secret.data(), key.secret.size(), kTagSize,
                            nullptr) == 1;
  }
  ~Aead() {
    context_.Reset();
    OPENSSL_cleanse(context_.get(), sizeof(*context_.get()));
    EVP_AEAD_CTX_zero(context_.get());
  }
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  EVP_AEAD_CTX* get() { return ok_ ? context_.get() : nullptr; }

 private:
  bssl::ScopedEVP_AEAD_CTX context_;
  bool ok_ = false;
};

uint64_t steady_ms() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

int slot() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

TicketKeys* keys_of(SSL* ssl) { return static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot())); }

size_t overhead(SSL*) { return kNameSize + kNonceSize + kTagSize; }

int seal(SSL* ssl, uint8_t* out, size_t* out_size, size_t out_max, const uint8_t* in, size_t in_size) {
  TicketKeys::Key key = keys_of(ssl)->current();
  if (out_max < kNameSize + kNonceSize) return 0;
  std::memcpy(out, key.name.data(), kNameSize);
  uint8_t* nonce = out + kNameSize;
  RAND_bytes(nonce, kNonceSize);
  Aead aead(key);
  size_t sealed = 0;
  if (aead.get() == nullptr ||
      !EVP_AEAD_CTX_seal(aead.get(), nonce + kNonceSize, &sealed, out_max - kNameSize - kNonceSize, nonce, kNonceSize,
                         in, in_size, key.name.data(), kNameSize)) {
    return 0;
  }
  *out_size = kNameSize + kNonceSize + sealed;
  return 1;
}

ssl_ticket_aead_result_t open_ticket(SSL* ssl, uint8_t* out, size_t* out_size, size_t out_max, const uint8_t* in,
                                     size_t in_size) {
  if (in_size < kNameSize + kNonceSize + kTagSize) return ssl_ticket_aead_ignore_ticket;
  std::unique_ptr<TicketKeys::Key> key = keys_of(ssl)->find(in);
  if (key == nullptr) return ssl_ticket_aead_ignore_ticket;
  const uint8_t* nonce = in + kNameSize;
  const uint8_t* sealed = nonce + kNonceSize;
  Aead aead(*key);
  if (aead.get() == nullptr || !EVP_AEAD_CTX_open(aead.get(), out, out_size, out_max, nonce, kNonceSize, sealed,
                                                  in_size - kNameSize - kNonceSize, in, kNameSize)) {
    return ssl_ticket_aead_ignore_ticket;
  }
  return ssl_ticket_aead_success;
}

constexpr SSL_TICKET_AEAD_METHOD kMethod = {overhead, seal, open_ticket};

}  // namespace

TicketKeys::Key::~Key() { OPENSSL_cleanse(secret.data(), secret.size()); }

TicketKeys::TicketKeys(uint64_t rotation_ms, uint64_t (*now_ms)())
    : rotation_ms_(rotation_ms), now_ms_(now_ms != nullptr ? now_ms : steady_ms) {}

void TicketKeys::install(SSL_CTX* context, TicketKeys* keys) {
  SSL_CTX_set_ex_data(context, slot(), keys);
  SSL_CTX_set_ticket_aead_method(context, &kMethod);
  // What a client is told, and what BoringSSL holds it to: no ticket is kept longer than its key is sure to live, even
  // if it was the last one that the key sealed.
  uint64_t hint_s = std::clamp<uint64_t>(keys->rotation_ms() / 1000, 1, kHintMaxS);
  SSL_CTX_set_timeout(context, static_cast<uint32_t>(hint_s));
  SSL_CTX_set_session_psk_dhe_timeout(context, static_cast<uint32_t>(hint_s));
}

uint64_t TicketKeys::rotation_ms() {
  std::lock_guard lock(mutex_);
  return rotation_ms_;
}

void TicketKeys::set_rotation(uint64_t rotation_ms) {
  std::lock_guard lock(mutex_);
  rotation_ms_ = rotation_ms;
}

void TicketKeys::drop_old(uint64_t now) {
  while (!keys_.empty() && now - keys_.back().born_ms >= 2 * rotation_ms_) keys_.pop_back();
}

uint64_t TicketKeys::sweep() {
  std::lock_guard lock(mutex_);
  uint64_t now = now_ms_();
  drop_old(now);
  return keys_.empty() ? 2 * rotation_ms_ : keys_.back().born_ms + 2 * rotation_ms_ - now;
}

void TicketKeys::renew() {
  uint64_t now = now_ms_();
  drop_old(now);
  if (!keys_.empty() && now - keys_.front().born_ms < rotation_ms_) return;
  Key key{};
  RAND_bytes(key.name.data(), key.name.size());
  RAND_bytes(key.secret.data(), key.secret.size());
  key.born_ms = now;
  keys_.insert(keys_.begin(), key);
  if (keys_.size() > 2) keys_.pop_back();
}

TicketKeys::Key TicketKeys::current() {
  std::lock_guard lock(mutex_);
  renew();
  return keys_.front();
}

std::vector<TicketKeys::Key> TicketKeys::all() {
  std::lock_guard lock(mutex_);
  return keys_;
}

// A key from the future would live for ever.
void TicketKeys::take_over(std::vector<Key> keys) {
  std::lock_guard lock(mutex_);
  uint64_t now = now_ms_();
  std::erase_if(keys, [now](const Key& key) { return key.born_ms > now; });
  keys_ = std::move(keys);
  if (keys_.size() > 2) keys_.resize(2);
  drop_old(now);
}

std::unique_ptr<TicketKeys::Key> TicketKeys::find(const uint8_t* name) {
  std::lock_guard lock(mutex_);
  renew();
  for (const Key& key : keys_) {
    if (std::memcmp(key.name.data(), name, kNameSize) == 0) return std::make_unique<Key>(key);
  }
  return nullptr;
}

}  // namespace postigo
