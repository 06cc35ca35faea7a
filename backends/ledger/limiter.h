// Limiter: how many sessions may be, and how many may come in a second, by user, address, network and listener, over
// all workers.
//
// Pure: time is passed in, in milliseconds of a clock that never goes back; the rules too, so that new ones count at
// once. Any thread. What has no limit costs nothing and is not counted: sessions that began without a limit do not
// count when one comes. For a fleet see seats.h and rates.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/ledger/rates.h"
#include "backends/ledger/seats.h"
#include "config/config.h"
#include "config/network.h"

namespace postigo {

enum class Limit : uint8_t {
  none,
  connections_per_s,
  address_connections_per_s,
  handshakes_per_s,
  sessions_per_address,
  sessions_per_network,
  logins_per_s,
  address_logins_per_s,
  sessions_per_user,
  sessions_per_user_address,
};
inline constexpr std::array<std::string_view, 10> kLimitNames = {"none",
                                                                 "connections_per_s",
                                                                 "address_connections_per_s",
                                                                 "handshakes_per_s",
                                                                 "sessions_per_address",
                                                                 "sessions_per_network",
                                                                 "logins_per_s",
                                                                 "address_logins_per_s",
                                                                 "sessions_per_user",
                                                                 "sessions_per_user_address"};
inline constexpr size_t kLimits = kLimitNames.size();

struct LimitRules {
  std::array<uint64_t, kLimits> max{};  // by Limit; 0: none
  struct Class {
    std::string name, user, domain, pool;  // what is set must be the same
    uint64_t per_user = 0, per_user_address = 0;
  };
  std::vector<Class> classes;  // the first that matches decides, else `max`
  unsigned ipv6_bits = 64;     // what is one address
  unsigned ipv4_network_bits = 24, ipv6_network_bits = 48;
  std::vector<config::Network> exempt;
  bool any_of_connections = false, any_of_users = false;  // there are limits that come() and log_in() look at

  uint64_t of(Limit limit) const { return max[static_cast<size_t>(limit)]; }
};

// REQUIRES: check_limits() found no error.
LimitRules limit_rules(const config::Limits& settings);

class Limiter {
 public:
  // `seats` outlives it. `key`: of the rates.
  Limiter(Seats& seats, SipKey key);

  struct Answer {
    Limit limit = Limit::none;  // that is reached, if any
    Seats::Seat seat;           // for the session to hold; it may count nowhere
  };

  // A connection comes; `tls`: it begins with a handshake.
  Answer come(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from, bool tls,
              uint64_t now_ms);
  // The two halves of it, for a proxy of which it is not known yet for whom it comes: what its listener allows, and
  // what the address for which it speaks may have.
  Limit pass(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from, bool tls,
             uint64_t now_ms);
  Answer come_from(const LimitRules& rules, const config::AnyAddress& from, uint64_t now_ms);
  // STARTTLS. False: too many in this second.
  bool shake_hands(const LimitRules& rules, std::string_view listener, uint64_t now_ms);
  // An attempt to log in begins: it is too early to say anything about its user.
  Limit try_login(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from, uint64_t now_ms);
  // What a directory says of him.
  struct Told {
    std::string_view limit_class = {};  // a class by its name
    uint64_t per_user = 0;              // instead of any class's; 0: nothing
  };
  // The user's password was right.
  Answer log_in(const LimitRules& rules, const config::AnyAddress& from, Bytes user, std::string_view pool, Told told);
  Answer log_in(const LimitRules& rules, const config::AnyAddress& from, Bytes user, std::string_view pool) {
    return log_in(rules, from, user, pool, Told());
  }

 private:
  Seats& seats_;
  Rates connections_, address_connections_, handshakes_, logins_, address_logins_;
};

}  // namespace postigo
