// TicketKeys: what session tickets are sealed with; shared by all workers and listeners, renewed by age.
//
// Any thread. A key seals for one period and opens for one more; then it is wiped, and with it the secrecy of what was
// sealed is out of reach even for somebody who takes the machine.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace postigo {

class TicketKeys {
 public:
  explicit TicketKeys(uint64_t rotation_ms, uint64_t (*now_ms)() = nullptr);

  // Makes `context` seal and open its tickets with these keys, and tell clients how long those are good for. The keys
  // outlive the context.
  static void install(SSL_CTX* context, TicketKeys* keys);

  void set_rotation(uint64_t rotation_ms);  // contexts tell clients what held when they were made

  struct Key {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 32> secret;
    uint64_t born_ms;
    ~Key();
  };
  Key current();
  // Null if there is none of that name (any more).
  std::unique_ptr<Key> find(const uint8_t* name);

  // For a process that takes this one's place, and in that process: the clock is the machine's.
  std::vector<Key> all();
  void take_over(std::vector<Key> keys);

  // Wipes the keys whose time is over, also when nobody connects any more. Returns in how many milliseconds to ask
  // again.
  uint64_t sweep();

 private:
  uint64_t rotation_ms();
  // REQUIRES: mutex_ held
  void renew();
  void drop_old(uint64_t now);

  std::mutex mutex_;
  std::vector<Key> keys_;  // newest first, at most two
  uint64_t rotation_ms_;
  uint64_t (*now_ms_)();
};

}  // namespace postigo
