// Not here: how the Limiter counts (backends/ledger).
#include "tests/sim/limits_model.h"

#include <algorithm>

namespace postigo::sim {
namespace {

std::string text_of(const config::AnyAddress& address) { return {address.begin(), address.end()}; }

bool is_v6(const config::AnyAddress& address) { return address[0] == 0x20; }

// All addresses of a /64 are one, as are a /24 and a /48.
std::string host_of(const config::AnyAddress& address) { return text_of(address).substr(0, is_v6(address) ? 8 : 16); }
std::string network_of(const config::AnyAddress& address) {
  return text_of(address).substr(0, is_v6(address) ? 6 : 15);
}

std::string key_of(const Guest& guest, SeatKind kind) {
  switch (kind) {
    case SeatKind::user:
      return guest.user;
    case SeatKind::user_address:
      return guest.user + ' ' + host_of(guest.address);
    case SeatKind::address:
      return host_of(guest.address);
    case SeatKind::network:
      break;
  }
  return network_of(guest.address);
}

constexpr unsigned bit_of(SeatKind kind) { return 1U << static_cast<unsigned>(kind); }

}  // namespace

// What should be said; if it is what was said, the guest is counted. The first limit that is reached is told.
Limit LimitsModel::take(Guest& guest, const std::vector<Wish>& wishes, bool taken) {
  for (const Wish& wish : wishes) {
    const auto& counts = counts_[static_cast<size_t>(wish.kind)];
    auto found = counts.find(wish.key);
    if (wish.max != 0 && found != counts.end() && found->second >= wish.max) return wish.limit;
  }
  for (const Wish& wish : wishes) {
    if (wish.max == 0 || !taken) continue;
    ++counts_[static_cast<size_t>(wish.kind)][wish.key];
    guest.counted |= bit_of(wish.kind);
  }
  return Limit::none;
}

void LimitsModel::came(Guest& guest, Limit answer) {
  auto wish = [&](SeatKind kind, Limit limit) { return Wish{kind, key_of(guest, kind), rules_.of(limit), limit}; };
  Limit should =
      take(guest,
           {wish(SeatKind::address, Limit::sessions_per_address), wish(SeatKind::network, Limit::sessions_per_network)},
           answer == Limit::none);
  if (should == Limit::none && rules_.of(Limit::connections_per_s) != 0) return check_rate(answer);
  if (should != answer) story_.wrong("a connection's limit is not the one that is reached");
}

// A bucket of two seconds: none is refused that fits, and in no second are there more than three seconds' worth.
void LimitsModel::check_rate(Limit answer) {
  const uint64_t now_ms = story_.now_ms(), rate = rules_.of(Limit::connections_per_s);
  while (!passed_.empty() && passed_.front() + 2'000 < now_ms) passed_.pop_front();
  if (answer == Limit::connections_per_s) {
    if (passed_.size() + 1 < 2 * rate) story_.wrong("a connection was one too many, and was not");
    return;
  }
  if (answer != Limit::none) story_.wrong("a connection's limit is one that is not reached");
  passed_.push_back(now_ms);
  auto second = std::count_if(passed_.begin(), passed_.end(), [&](uint64_t ms) { return ms + 1'000 > now_ms; });
  if (static_cast<uint64_t>(second) > 3 * rate) story_.wrong("more connections in a second than may be");
}

void LimitsModel::logged_in(Guest& guest, std::string_view pool, Limit answer) {
  uint64_t per_user = rules_.of(Limit::sessions_per_user);
  uint64_t per_address = rules_.of(Limit::sessions_per_user_address);
  for (const LimitRules::Class& each : rules_.classes) {
    if (each.user.empty() ? each.pool != pool : each.user != guest.user) continue;
    per_user = each.per_user;
    per_address = each.per_user_address;
    break;
  }
  Limit should = take(
      guest,
      {{SeatKind::user, key_of(guest, SeatKind::user), per_user, Limit::sessions_per_user},
       {SeatKind::user_address, key_of(guest, SeatKind::user_address), per_address, Limit::sessions_per_user_address}},
      answer == Limit::none);
  if (should != answer) story_.wrong(guest.user + ": a limit that is not the one that is reached");
}

void LimitsModel::left(Guest& guest) {
  for (size_t i = 0; i < kSeatKinds; ++i) {
    auto kind = static_cast<SeatKind>(i);
    if ((guest.counted & bit_of(kind)) == 0) continue;
    auto found = counts_[i].find(key_of(guest, kind));
    if (--found->second == 0) counts_[i].erase(found);
  }
  guest.counted = 0;
}

void LimitsModel::check(const SeatTable& seats) const {
  size_t keys = 0;
  const auto most = seats.most();
  for (size_t i = 0; i < kSeatKinds; ++i) {
    keys += counts_[i].size();
    uint64_t should = 0;
    for (const auto& [key, count] : counts_[i]) should = std::max(should, count);
    if (most[i] != should) story_.wrong("seats that are counted twice, or not at all");
  }
  if (seats.size() != keys) story_.wrong("seats of nobody, or sessions without");
}

}  // namespace postigo::sim
