// See worker.h.
#include "bench/load/worker.h"

#include <arpa/inet.h>

#include <algorithm>

namespace postigo::bench {
namespace {

constexpr int64_t kGraceNs = 10'000'000'000;
// Something is broken, and thousands of errors say no more than these.
constexpr uint64_t kErrorsMax = 1000;
constexpr uint32_t kFirstSource = 0x7f000101;  // 127.0.1.1
constexpr uint64_t kNoLimit = UINT64_MAX;

}  // namespace

Worker::Worker(const Options& options, SSL_CTX* tls, uint64_t number)
    : options_(options), number_(number), next_user_(number), next_source_(number) {
  target_.to = options.to;
  target_.tls = tls;
  target_.name = options.name.c_str();
  target_.resume = options.resume();
  bool held = options.mode == "idle" || options.mode == "storm";
  uint64_t clients = share(held ? options.sessions : options.clients);
  auto make = options.imap() ? imap_client : pop3_client;
  clients_.reserve(clients);
  for (uint64_t i = 0; i < clients; ++i) clients_.push_back(make(loop_, *this, options.verify));
}

uint64_t Worker::share(uint64_t all) const {
  return all / options_.threads + (number_ < all % options_.threads ? 1 : 0);
}

// A warm-up that the clock has ended must not end what comes after it.
void Worker::allow(uint64_t all) {
  over_ = false;
  units_left_ = all == 0 ? kNoLimit : share(all);
}

bool Worker::take() {
  if (units_left_ == 0 || over_ || numbers_.all_errors() > kErrorsMax) return false;
  if (units_left_ != kNoLimit) --units_left_;
  return true;
}

void Worker::run(double seconds) {
  int64_t end = now_ns() + static_cast<int64_t>(seconds * 1e9);
  while (active_ > 0) {
    int64_t now = now_ns();
    if (now >= end) over_ = true;
    if (now >= end + kGraceNs) {
      abandon();
      break;
    }
    loop_.turn(std::clamp<int64_t>(tick(now), 0, kTurnNs));
  }
  over_ = false;  // the next phase has its own time
}

void Worker::abandon() {
  for (auto& client : clients_) {
    if (!client->busy) continue;
    numbers_.failed(Error::timeout);
    client->close();
    client->ready = client->busy = false;
  }
  active_ = 0;
}

void Worker::release() {
  measuring_ = false;
  for (auto& client : clients_) {
    if (!client->ready) continue;
    begin(*client, now_ns());
    client->logout();
    client->flush();
  }
}

void Worker::begin(Client& client, int64_t began_ns) {
  client.began_ns = began_ns;
  if (!client.busy) ++active_;
  client.busy = true;
}

void Worker::rest(Client& client) {
  if (client.busy) --active_;
  client.busy = false;
}

void Worker::connect(Client& client, int64_t began_ns) {
  begin(client, began_ns);
  in_addr from{};
  if (options_.sources > 0) {
    from.s_addr = htonl(kFirstSource + static_cast<uint32_t>(next_source_ % options_.sources));
    next_source_ += options_.threads;
  }
  client.connect(target_, from);
}

void Worker::login(Client& client) {
  user_ = options_.user_format;
  size_t at = user_.find("%d");
  if (at != std::string::npos) user_.replace(at, 2, std::to_string(next_user_ % options_.users));
  next_user_ += options_.threads;
  client.login(user_, options_.password);
}

void Worker::count(const Client& client, uint64_t bytes) {
  if (!measuring_) return;
  ++numbers_.units;
  numbers_.bytes += bytes;
  numbers_.latencies.add(now_ns() - client.began_ns);
}

void Worker::failed(Client& client, Error error) {
  numbers_.failed(error);
  client.ready = false;
  gone(client);
}

void Worker::shaken_hands(const SSL* ssl) {
  ++numbers_.handshakes;
  if (SSL_session_reused(ssl)) ++numbers_.resumed;
  if (!facts_.version.empty()) return;
  const char* group = SSL_get_curve_name(SSL_get_curve_id(ssl));
  facts_ = {SSL_get_version(ssl), SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)), group ? group : ""};
}

}  // namespace postigo::bench
