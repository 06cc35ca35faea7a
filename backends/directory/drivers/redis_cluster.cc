// Slots and redirections, as Redis' cluster specification has them. Not here: asking (redis.cc).
#include "backends/directory/drivers/redis_cluster.h"

#include <algorithm>
#include <charconv>

namespace postigo {
namespace {

constexpr size_t kServersMax = 1000;  // as many as a cluster may have

uint16_t crc16(std::string_view octets) {
  uint16_t crc = 0;
  for (char c : octets) {
    crc = static_cast<uint16_t>(crc ^ static_cast<unsigned char>(c) << 8);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

unsigned RedisCluster::slot_of(std::string_view key) {
  const size_t open = key.find('{');
  const size_t close = open == key.npos ? key.npos : key.find('}', open);
  if (close != key.npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  return crc16(key) % kSlots;
}

std::optional<RedisCluster::Redirection> RedisCluster::redirection(std::string_view error,
                                                                   const config::Endpoint& asked) {
  Redirection to;
  to.once = error.starts_with("ASK ");
  if (!to.once && !error.starts_with("MOVED ")) return std::nullopt;
  error.remove_prefix(error.find(' ') + 1);
  const size_t blank = error.find(' ');
  const size_t colon = error.rfind(':');
  if (blank == error.npos || colon == error.npos || colon < blank) return std::nullopt;
  auto slot = number<unsigned>(error.substr(0, blank));
  auto port = number<uint16_t>(error.substr(colon + 1));
  if (!slot || *slot >= kSlots || !port || *port == 0) return std::nullopt;
  to.slot = *slot;
  to.server = {std::string(error.substr(blank + 1, colon - blank - 1)), *port};
  if (to.server.host.empty() || to.server.host == "?") to.server.host = asked.host;
  return to;
}

std::optional<config::Endpoint> RedisCluster::server_of(unsigned slot) const {
  std::lock_guard lock(mutex_);
  const uint16_t index = slots_[slot];
  return index == kUnknown ? std::nullopt : std::optional(servers_[index]);
}

uint16_t RedisCluster::index_of(const config::Endpoint& server) {
  auto found = std::find(servers_.begin(), servers_.end(), server);
  if (found == servers_.end() && servers_.size() == kServersMax) {  // many moves ago
    servers_.clear();
    slots_ = filled();
    found = servers_.end();
  }
  if (found == servers_.end()) found = servers_.insert(servers_.end(), server);
  return static_cast<uint16_t>(found - servers_.begin());
}

void RedisCluster::learn(unsigned slot, const config::Endpoint& server) {
  std::lock_guard lock(mutex_);
  slots_[slot] = index_of(server);
}

void RedisCluster::learn(const RedisReply& slots, const config::Endpoint& asked) {
  using Reply = RedisReply::Kind;
  for (const RedisReply& range : slots.elements) {
    const auto& parts = range.elements;  // first slot, last slot, [host, port, ...], ...
    if (parts.size() < 3 || parts[0].kind != Reply::integer || parts[1].kind != Reply::integer) continue;
    const auto& where = parts[2].elements;
    if (where.size() < 2 || where[1].kind != Reply::integer || where[1].number < 1 || where[1].number > 65535) continue;
    config::Endpoint server{where[0].text, static_cast<uint16_t>(where[1].number)};
    if (server.host.empty() || server.host == "?") server.host = asked.host;
    std::lock_guard lock(mutex_);
    const uint16_t index = index_of(server);
    const auto first = static_cast<unsigned>(std::max<int64_t>(parts[0].number, 0));
    for (unsigned slot = first; slot < kSlots && int64_t{slot} <= parts[1].number; ++slot) slots_[slot] = index;
  }
}

void RedisCluster::forget(const config::Endpoint& server) {
  std::lock_guard lock(mutex_);
  auto found = std::find(servers_.begin(), servers_.end(), server);
  if (found == servers_.end()) return;
  const auto index = static_cast<uint16_t>(found - servers_.begin());
  std::replace(slots_.begin(), slots_.end(), index, kUnknown);
}

}  // namespace postigo
