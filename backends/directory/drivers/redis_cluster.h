// RedisCluster: which server of a cluster has a key, as far as it is known.
//
// Any thread. What was learnt is of this process; what is wrong in it costs one question more (MOVED).
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/directory/drivers/redis_connection.h"
#include "config/config.h"

namespace postigo {

class RedisCluster {
 public:
  static constexpr unsigned kSlots = 16384;

  // CRC16 (XMODEM) of the key, or of what stands between its first { and the next }.
  static unsigned slot_of(std::string_view key);

  struct Redirection {
    bool once = false;  // ASK: for this question alone
    unsigned slot = 0;
    config::Endpoint server;
  };
  // "MOVED 3999 127.0.0.1:6381", "ASK 3999 :6381": without a host it is that of `asked`. None: it is another error.
  static std::optional<Redirection> redirection(std::string_view error, const config::Endpoint& asked);

  std::optional<config::Endpoint> server_of(unsigned slot) const;
  void learn(unsigned slot, const config::Endpoint& server);
  // From the reply to CLUSTER SLOTS; what is not understood is left alone.
  void learn(const RedisReply& slots, const config::Endpoint& asked);
  // A server that cannot be reached has nothing any more.
  void forget(const config::Endpoint& server);

 private:
  static constexpr uint16_t kUnknown = UINT16_MAX;
  uint16_t index_of(const config::Endpoint& server);

  mutable std::mutex mutex_;
  std::vector<config::Endpoint> servers_;
  std::array<uint16_t, kSlots> slots_ = filled();
  static std::array<uint16_t, kSlots> filled() {
    std::array<uint16_t, kSlots> all{};
    all.fill(kUnknown);
    return all;
  }
};

}  // namespace postigo
