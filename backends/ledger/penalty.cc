// Who is counted where, and who is exempt. Not here: how long a delay is (penalty_record.cc), the wording and the least
// time of a refusal (proxy/session/login.cc).
#include "backends/ledger/penalty.h"

#include <algorithm>
#include <cmath>

#include "backends/ledger/prefix.h"

namespace postigo {
namespace {

// Where an attempt stands in a queue.
constexpr uint8_t kAddress = 1, kWide = 2, kUser = 4, kKnown = 8;

// At an address where he is known a user may fail so often, and try so often at a time, before he waits like others.
constexpr float kKnownFailures = 5;
constexpr uint32_t kKnownParallel = 32;
constexpr uint64_t kKnownForgetMs = 60'000;  // one failure

constexpr unsigned kCrowdBits = 16;  // of IPv4: who answers where there is no room, and no wider network is configured
constexpr size_t kUserKept = 96;     // octets of a name; of a longer one the rest is hashed
constexpr uint64_t kSweepEveryMs = 1;  // at most: one stripe

uint16_t tag_of(const SipKey& key, Bytes octets) {
  return static_cast<uint16_t>(siphash(key, octets) % 0xffff + 1);  // never 0
}

void calm(float& failures, uint64_t& at_ms, uint64_t now_ms) {
  uint64_t passed = now_ms > at_ms ? now_ms - at_ms : 0;
  failures = std::max(0.0F, failures - static_cast<float>(passed) / static_cast<float>(kKnownForgetMs));
  at_ms = now_ms;
}

// `room` is for those whose name is too long to be kept.
Bytes kept_name(const SipKey& key, Bytes user, std::string& room) {
  if (user.size() <= kUserKept) return user;
  room = std::string(user.substr(0, kUserKept)) + std::to_string(siphash(key, user));
  return room;
}

Prefix address_of(const PenaltyRules& rules, const config::AnyAddress& address) {
  return prefix_of(address, is_ipv4(address) ? rules.ipv4_bits : rules.ipv6_bits);
}

unsigned wide_bits(const PenaltyRules& rules, const config::AnyAddress& address) {
  return is_ipv4(address) ? rules.ipv4_wide_bits : rules.ipv6_wide_bits;
}

Prefix wide_of(const PenaltyRules& rules, const config::AnyAddress& address) {
  const unsigned bits = wide_bits(rules, address);
  return prefix_of(address, bits != 0 ? bits : kCrowdBits);
}

}  // namespace

Keep Penalties::keep_of(const PenaltyRecord& record, const PenaltyScale& scale, uint64_t now_ms) {
  if (record.nothing(scale, now_ms)) return Keep::gone;
  return record.light(scale, now_ms) ? Keep::spare : Keep::busy;
}

Penalties::Penalties(size_t entries_max, SipKey key)
    : key_(key),
      addresses_(entries_max, key),
      wides_(entries_max, key),
      users_(entries_max, key),
      known_(entries_max, key) {}

// A place that may be used: `what` is called with it.
template <typename What>
void Penalties::at_place(const HashedName& user, uint64_t place, What&& what) {
  known_.touch(user, [&](Places& all) {
    for (Place& each : all.places) {
      if (each.until_ms != 0 && each.address == place) what(each);
    }
    return Keep::spare;
  });
}

bool Penalties::enter_known(const HashedName& user, uint64_t place, uint64_t now_ms) {
  bool entered = false;
  at_place(user, place, [&](Place& here) {
    calm(here.failures, here.at_ms, now_ms);
    entered = here.until_ms > now_ms && here.failures < kKnownFailures && here.under_way < kKnownParallel;
    if (entered) ++here.under_way;
  });
  return entered;
}

void Penalties::sweep(Table& table, const PenaltyScale& scale, uint64_t now_ms) {
  uint64_t before = swept_ms_.load(std::memory_order_relaxed);
  if (now_ms < before + kSweepEveryMs || !swept_ms_.compare_exchange_strong(before, now_ms)) return;
  table.visit(next_sweep_++ % table.stripes(),
              [&](Bytes, PenaltyRecord& record) { return keep_of(record, scale, now_ms); });
}

// False: there is no room for a record.
bool Penalties::enter(Table& table, const PenaltyScale& scale, const HashedName& key, Attempt& attempt,
                      uint64_t now_ms) {
  bool room = table.change(key, [&](PenaltyRecord& record) {
    PenaltyRecord::Place place = record.enter(scale, now_ms);
    attempt.turn = place.turn;
    attempt.wait_ms = place.turn == Attempt::Turn::again ? place.wait_ms : std::max(attempt.wait_ms, place.wait_ms);
    return keep_of(record, scale, now_ms);
  });
  if (!room) sweep(table, scale, now_ms);
  return room;
}

Penalties::Attempt Penalties::begin(const PenaltyRules& rules, const Guest& guest, uint64_t now_ms) {
  Attempt attempt;
  if (!rules.enabled || config::any_contains(rules.exempt, guest.address)) return attempt;
  std::string room;
  const HashedName user = users_.hashed(kept_name(key_, guest.user, room));
  const Prefix octets = address_of(rules, guest.address);
  const HashedName address = addresses_.hashed(octets.key());
  attempt.user = user.hash;
  attempt.place = address.hash;
  if (enter_known(user, attempt.place, now_ms)) {
    attempt.charged = kKnown;
    addresses_.look(address,
                    [&](const PenaltyRecord& record) { attempt.told_ms = record.wait_ms(rules.address, now_ms); });
    return attempt;
  }
  auto stand = [&](Table& table, const PenaltyScale& scale, const HashedName& key, uint8_t where) {
    if (attempt.turn != Attempt::Turn::go) return true;
    bool room_there = enter(table, scale, key, attempt, now_ms);
    if (room_there && attempt.turn == Attempt::Turn::go) attempt.charged |= where;
    return room_there;
  };
  bool counted = stand(addresses_, rules.address, address, kAddress);
  if (!counted || wide_bits(rules, guest.address) != 0) {
    const Prefix wide = wide_of(rules, guest.address);
    stand(wides_, rules.wide, wides_.hashed(wide.key()), kWide);
  }
  stand(users_, rules.user, user, kUser);
  if (attempt.turn != Attempt::Turn::go) {
    take_back(rules, guest, attempt, now_ms);
    attempt.charged = 0;
    if (attempt.turn == Attempt::Turn::refused) attempt.wait_ms = 0;
  }
  attempt.told_ms = attempt.wait_ms;
  return attempt;
}

template <typename What>
void Penalties::settle(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms,
                       What&& what) {
  auto at = [&](uint8_t where, Table& table, const auto& key, const PenaltyScale& scale) {
    if ((attempt.charged & where) == 0) return;
    table.touch(key, [&](PenaltyRecord& record) {
      what(record, scale);
      return keep_of(record, scale, now_ms);
    });
  };
  std::string room;
  const Prefix address = address_of(rules, guest.address), wide = wide_of(rules, guest.address);
  at(kAddress, addresses_, address.key(), rules.address);
  at(kWide, wides_, wide.key(), rules.wide);
  at(kUser, users_, HashedName{kept_name(key_, guest.user, room), attempt.user}, rules.user);
}

void Penalties::failed(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, Bytes secret,
                       uint64_t now_ms) {
  if (attempt.charged == 0) return;
  // The user's name is part of the key: the same password for another user is another guess.
  const SipKey salted{key_.k0 ^ siphash(key_, guest.user), key_.k1};
  const GuessTag tag{tag_of(key_, guest.user), tag_of(salted, secret)};
  settle(rules, guest, attempt, now_ms,
         [&](PenaltyRecord& record, const PenaltyScale& scale) { record.failed(scale, tag, now_ms); });
  if ((attempt.charged & kKnown) == 0) return;
  std::string room;
  at_place({kept_name(key_, guest.user, room), attempt.user}, attempt.place, [&](Place& place) {
    calm(place.failures, place.at_ms, now_ms);
    place.failures += 1;
    place.leave();
  });
  addresses_.change(address_of(rules, guest.address).key(), [&](PenaltyRecord& record) {
    record.blame(rules.address, tag, now_ms);
    return keep_of(record, rules.address, now_ms);
  });
}

void Penalties::succeeded(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) {
  if (attempt.charged == 0) return;
  if ((attempt.charged & kKnown) == 0) {
    const uint16_t tag = tag_of(key_, guest.user);
    settle(rules, guest, attempt, now_ms,
           [&](PenaltyRecord& record, const PenaltyScale& scale) { record.succeeded(scale, tag, now_ms); });
  }
  std::string room;
  const HashedName user{kept_name(key_, guest.user, room), attempt.user};
  if (rules.known_ms != 0) return learn(rules, user, attempt, now_ms);
  if ((attempt.charged & kKnown) != 0) at_place(user, attempt.place, [](Place& place) { place.leave(); });
}

void Penalties::taken_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) {
  if (attempt.charged == 0) return;
  take_back(rules, guest, attempt, now_ms);
  if ((attempt.charged & kKnown) == 0) return;
  std::string room;
  at_place({kept_name(key_, guest.user, room), attempt.user}, attempt.place, [](Place& place) { place.leave(); });
}

void Penalties::take_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) {
  settle(rules, guest, attempt, now_ms,
         [&](PenaltyRecord& record, const PenaltyScale& scale) { record.taken_back(scale, now_ms); });
}

// A few places for each user: whoever owns one account cannot fill the table from many addresses. The place that would
// have been forgotten first makes room. An attempt that stood in one has left it then.
void Penalties::learn(const PenaltyRules& rules, const HashedName& user, const Attempt& attempt, uint64_t now_ms) {
  known_.change(user, [&](Places& all) {
    auto here = [&](const Place& place) { return place.address == attempt.place; };
    auto found = std::find_if(all.places.begin(), all.places.end(), here);
    if (found == all.places.end()) {
      found = std::min_element(all.places.begin(), all.places.end(),
                               [](const Place& a, const Place& b) { return a.until_ms < b.until_ms; });
      *found = {.address = attempt.place, .at_ms = now_ms};
    }
    if ((attempt.charged & kKnown) != 0) found->leave();
    calm(found->failures, found->at_ms, now_ms);
    found->failures /= 2;
    found->until_ms = now_ms + rules.known_ms;
    return Keep::spare;
  });
}

std::vector<Penalties::Row> Penalties::list(const PenaltyRules& rules, size_t limit, uint64_t now_ms) {
  std::vector<Row> rows;
  auto see = [&](Table& table, const PenaltyScale& scale, bool users) {
    for (size_t stripe = 0; stripe < table.stripes(); ++stripe) {
      table.visit(stripe, [&](Bytes key, const PenaltyRecord& record) {
        double failures = record.failures(scale, now_ms);
        if (failures > 0) {
          rows.push_back(
              {users ? std::string(key) : Prefix::text_of(key), users, failures, record.wait_ms(scale, now_ms)});
        }
        return keep_of(record, scale, now_ms);
      });
    }
  };
  see(addresses_, rules.address, false);
  see(wides_, rules.wide, false);
  see(users_, rules.user, true);
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.failures > b.failures; });
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

size_t Penalties::forgive(const PenaltyRules& rules, const config::Network& network, uint64_t now_ms) {
  size_t forgiven = 0;
  auto clean = [&](Table& table, const PenaltyScale& scale) {
    for (size_t stripe = 0; stripe < table.stripes(); ++stripe) {
      table.visit(stripe, [&](Bytes key, PenaltyRecord& record) {
        config::Network own = Prefix::network_of(key);
        if (network.contains(own.address) || own.contains(network.address)) {
          forgiven += record.failures(scale, now_ms) > 0 ? 1 : 0;
          record.forgive();
        }
        return keep_of(record, scale, now_ms);
      });
    }
  };
  clean(addresses_, rules.address);
  clean(wides_, rules.wide);
  return forgiven;
}

size_t Penalties::forgive_user(Bytes user) {
  std::string room;
  const HashedName whom = users_.hashed(kept_name(key_, user, room));
  bool known = users_.touch(whom, [](PenaltyRecord& record) {
    record.forgive();
    return Keep::spare;
  });
  known_.touch(whom, [](Places& all) {
    for (Place& place : all.places) place.failures = 0;
    return Keep::spare;
  });
  return known ? 1 : 0;
}

}  // namespace postigo
