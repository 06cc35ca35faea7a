// Which limits are asked when. Not here: counting (seat_table.cc, rates.cc), and what a client hears (proxy/session).
#include "backends/ledger/limiter.h"

#include <algorithm>
#include <initializer_list>

#include "backends/ledger/prefix.h"
#include "backends/user_name.h"

namespace postigo {
namespace {

constexpr size_t kBucketsMax = 100'000;

Prefix address_of(const LimitRules& rules, const config::AnyAddress& from) {
  return prefix_of(from, is_ipv4(from) ? 32 : rules.ipv6_bits);
}

Prefix network_of(const LimitRules& rules, const config::AnyAddress& from) {
  return prefix_of(from, is_ipv4(from) ? rules.ipv4_network_bits : rules.ipv6_network_bits);
}

// The operator's name, which no stranger chooses: it needs no key, and is hashed for little.
HashedName of_listener(std::string_view name) { return {name, std::hash<std::string_view>()(name)}; }

bool matches(const LimitRules::Class& each, std::string_view user, std::string_view pool, std::string_view name) {
  if (!each.name.empty() && each.name != name) return false;
  if (!each.user.empty() && each.user != user) return false;
  if (!each.pool.empty() && each.pool != pool) return false;
  return each.domain.empty() || domain_of(user) == each.domain;
}

}  // namespace

LimitRules limit_rules(const config::Limits& x) {
  LimitRules rules;
  auto set = [&](Limit limit, uint64_t value) { rules.max[static_cast<size_t>(limit)] = value; };
  set(Limit::connections_per_s, x.connections_per_s);
  set(Limit::address_connections_per_s, x.address_connections_per_s);
  set(Limit::handshakes_per_s, x.handshakes_per_s);
  set(Limit::sessions_per_address, x.sessions_per_address);
  set(Limit::sessions_per_network, x.sessions_per_network);
  set(Limit::logins_per_s, x.logins_per_s);
  set(Limit::address_logins_per_s, x.address_logins_per_s);
  set(Limit::sessions_per_user, x.sessions_per_user);
  set(Limit::sessions_per_user_address, x.sessions_per_user_address);
  for (const config::LimitClass& each : x.classes) {
    rules.classes.push_back(
        {each.name, each.user, each.domain, each.pool, each.sessions_per_user, each.sessions_per_user_address});
  }
  rules.ipv6_bits = x.ipv6_address;
  rules.ipv4_network_bits = x.ipv4_network;
  rules.ipv6_network_bits = x.ipv6_network;
  rules.exempt = config::networks_of(x.exempt);
  auto any = [&](std::initializer_list<Limit> limits) {
    return std::any_of(limits.begin(), limits.end(), [&](Limit limit) { return rules.of(limit) != 0; });
  };
  rules.any_of_connections = any({Limit::connections_per_s, Limit::address_connections_per_s, Limit::handshakes_per_s,
                                  Limit::sessions_per_address, Limit::sessions_per_network});
  rules.any_of_users = !rules.classes.empty() || any({Limit::sessions_per_user, Limit::sessions_per_user_address});
  return rules;
}

Limiter::Limiter(Seats& seats, SipKey key)
    : seats_(seats),
      connections_(kBucketsMax, key),
      address_connections_(kBucketsMax, key),
      handshakes_(kBucketsMax, key),
      logins_(kBucketsMax, key),
      address_logins_(kBucketsMax, key) {}

// The address first: one that exceeds its own limit uses up nothing of what others have.
Limiter::Answer Limiter::come(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from,
                              bool tls, uint64_t now_ms) {
  if (!rules.any_of_connections) return {};
  Answer answer = come_from(rules, from, now_ms);
  if (answer.limit != Limit::none) return answer;
  answer.limit = pass(rules, listener, from, tls, now_ms);
  if (answer.limit != Limit::none) answer.seat.release();
  return answer;
}

Limit Limiter::pass(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from, bool tls,
                    uint64_t now_ms) {
  if (!rules.any_of_connections || config::any_contains(rules.exempt, from)) return Limit::none;
  if (!connections_.take(of_listener(listener), rules.of(Limit::connections_per_s), now_ms)) {
    return Limit::connections_per_s;
  }
  return tls && !shake_hands(rules, listener, now_ms) ? Limit::handshakes_per_s : Limit::none;
}

Limiter::Answer Limiter::come_from(const LimitRules& rules, const config::AnyAddress& from, uint64_t now_ms) {
  if (!rules.any_of_connections || config::any_contains(rules.exempt, from)) return {};
  const Prefix address = address_of(rules, from);
  if (!address_connections_.take(address.key(), rules.of(Limit::address_connections_per_s), now_ms)) {
    return {Limit::address_connections_per_s, {}};
  }
  const Prefix network = network_of(rules, from);
  const Seats::Bound bounds[] = {{SeatKind::address, address.key(), rules.of(Limit::sessions_per_address)},
                                 {SeatKind::network, network.key(), rules.of(Limit::sessions_per_network)}};
  Seats::Taken taken = seats_.take(bounds);
  if (!taken.ok) {
    return {taken.full == SeatKind::address ? Limit::sessions_per_address : Limit::sessions_per_network, {}};
  }
  return {Limit::none, std::move(taken.seat)};
}

bool Limiter::shake_hands(const LimitRules& rules, std::string_view listener, uint64_t now_ms) {
  return handshakes_.take(of_listener(listener), rules.of(Limit::handshakes_per_s), now_ms);
}

Limit Limiter::try_login(const LimitRules& rules, std::string_view listener, const config::AnyAddress& from,
                         uint64_t now_ms) {
  if (rules.of(Limit::logins_per_s) == 0 && rules.of(Limit::address_logins_per_s) == 0) return Limit::none;
  if (config::any_contains(rules.exempt, from)) return Limit::none;
  if (!address_logins_.take(address_of(rules, from).key(), rules.of(Limit::address_logins_per_s), now_ms)) {
    return Limit::address_logins_per_s;
  }
  return logins_.take(of_listener(listener), rules.of(Limit::logins_per_s), now_ms) ? Limit::none : Limit::logins_per_s;
}

Limiter::Answer Limiter::log_in(const LimitRules& rules, const config::AnyAddress& from, Bytes user,
                                std::string_view pool, Told told) {
  if (!rules.any_of_users && told.per_user == 0) return {};
  uint64_t per_user = rules.of(Limit::sessions_per_user);
  uint64_t per_user_address = rules.of(Limit::sessions_per_user_address);
  auto found = std::find_if(rules.classes.begin(), rules.classes.end(),
                            [&](const LimitRules::Class& each) { return matches(each, user, pool, told.limit_class); });
  if (found != rules.classes.end()) {
    per_user = found->per_user;
    per_user_address = found->per_user_address;
  }
  if (told.per_user != 0) per_user = told.per_user;
  // All of webmail is one address.
  if (per_user_address != 0 && config::any_contains(rules.exempt, from)) per_user_address = 0;
  const Prefix address = address_of(rules, from);
  const Seats::Bound bounds[] = {{SeatKind::user, user, per_user},
                                 {SeatKind::user_address, user, per_user_address, address.key()}};
  Seats::Taken taken = seats_.take(bounds);
  if (taken.ok) return {Limit::none, std::move(taken.seat)};
  return {taken.full == SeatKind::user ? Limit::sessions_per_user : Limit::sessions_per_user_address, {}};
}

}  // namespace postigo
