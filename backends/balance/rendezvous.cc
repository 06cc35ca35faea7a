// Each node draws -log2(h) / weight, where h is a hash of (key, node) in (0, 1]; the smallest draw wins, which gives
// every node a share in proportion to its weight. Not here: which backends a shard has (router.cc).
#include "backends/balance/rendezvous.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <map>

#include "backends/balance/siphash.h"

namespace postigo {
namespace {

// Fixed for ever: every node of a cluster, of any version, must place a user alike.
constexpr SipKey kUserKey = sip_key("postigo/user/v1.");
constexpr SipKey kShardKey = sip_key("postigo/shard/v1");

constexpr double kWeightSteps = 65536;
constexpr double kWeightMax = 1 << 20;
constexpr int kFractionBits = 56;

uint64_t steps(double weight) {
  return static_cast<uint64_t>(std::clamp(std::round(weight * kWeightSteps), 1.0, kWeightMax * kWeightSteps));
}

int64_t signed_steps(double weight) { return weight > 0 ? static_cast<int64_t>(steps(weight)) : 0; }

// The finaliser of SplitMix64: every input bit reaches every output bit.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// -log2(h / 2^64) with 56 fractional bits, rounded up. By repeated squaring in integers: log() of two C libraries may
// differ in the last place, and then two nodes would disagree about somebody.
uint64_t cost(uint64_t h) {
  if (h == 0) return uint64_t{64} << kFractionBits;
  int zeros = std::countl_zero(h);
  uint64_t y = h << zeros;  // y / 2^63 in [1, 2)
  uint64_t fraction = 0;
  for (int i = 0; i < kFractionBits; ++i) {
    unsigned __int128 square = static_cast<unsigned __int128>(y) * y;  // in [2^126, 2^128)
    bool carry = static_cast<bool>(square >> 127);
    y = static_cast<uint64_t>(square >> (carry ? 64 : 63));
    fraction = fraction << 1 | (carry ? 1 : 0);
  }
  return (static_cast<uint64_t>(zeros + 1) << kFractionBits) - fraction;
}

}  // namespace

uint64_t Rendezvous::Moving::weight_at(int64_t now_s) const {
  const int64_t now_min = now_s / 60;
  if (now_min <= from_min) return static_cast<uint64_t>(weight);
  if (now_min >= until_min) return static_cast<uint64_t>(weight_then);
  const __int128 part = static_cast<__int128>(weight_then - weight) * (now_min - from_min) / (until_min - from_min);
  return static_cast<uint64_t>(weight + static_cast<int64_t>(part));
}

Rendezvous::Rendezvous(std::vector<Node> nodes) {
  std::map<uint64_t, std::map<std::string_view, size_t>> ordered;  // so that ties do not depend on the file's order
  std::map<std::string_view, size_t> moving;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].change.until_s != 0) {
      moving[nodes[i].name] = i;
    } else if (nodes[i].weight > 0) {
      ordered[steps(nodes[i].weight)][nodes[i].name] = i;
    }
  }
  for (const auto& [name, index] : moving) {
    const Node& node = nodes[index];
    moving_.push_back({siphash(kShardKey, name), index, signed_steps(node.weight), signed_steps(node.change.weight),
                       node.change.from_s / 60, node.change.until_s / 60});
  }
  for (const auto& [weight, members] : ordered) {
    Group& group = groups_.emplace_back();
    group.weight = weight;
    for (const auto& [name, index] : members) {
      group.seeds.push_back(siphash(kShardKey, name));
      group.indices.push_back(index);
    }
  }
}

size_t Rendezvous::pick(Bytes key, int64_t now_s) const {
  assert(!groups_.empty() || !moving_.empty());
  const uint64_t user = siphash(kUserKey, key);
  size_t winner = 0;
  uint64_t least = 0;
  uint64_t least_weight = 0;
  auto draw = [&](size_t index, uint64_t drawn, uint64_t weight) {
    // drawn / weight < least / least_weight, without dividing
    bool less = static_cast<unsigned __int128>(drawn) * least_weight < static_cast<unsigned __int128>(least) * weight;
    if (least_weight != 0 && !less) return;
    winner = index;
    least = drawn;
    least_weight = weight;
  };
  for (const Group& group : groups_) {
    size_t best = 0;
    uint64_t highest = mix(user ^ group.seeds[0]);
    for (size_t i = 1; i < group.seeds.size(); ++i) {
      uint64_t h = mix(user ^ group.seeds[i]);
      if (h > highest) {
        highest = h;
        best = i;
      }
    }
    if (groups_.size() == 1 && moving_.empty()) return group.indices[best];
    draw(group.indices[best], cost(highest), group.weight);
  }
  for (const Moving& each : moving_) {
    if (uint64_t weight = each.weight_at(now_s)) draw(each.index, cost(mix(user ^ each.seed)), weight);
  }
  return winner;
}

std::vector<size_t> Rendezvous::rank(Bytes key, size_t count, const std::function<bool(size_t)>& wanted,
                                     int64_t now_s) const {
  struct Draw {
    uint64_t cost, weight, hash;
    size_t index;
  };
  const uint64_t user = siphash(kUserKey, key);
  const bool one_weight = groups_.size() == 1 && moving_.empty();
  std::vector<Draw> draws;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.seeds.size(); ++i) {
      if (!wanted(group.indices[i])) continue;
      uint64_t h = mix(user ^ group.seeds[i]);
      draws.push_back({one_weight ? 0 : cost(h), group.weight, h, group.indices[i]});
    }
  }
  for (const Moving& each : moving_) {
    const uint64_t weight = each.weight_at(now_s), h = mix(user ^ each.seed);
    if (weight > 0 && wanted(each.index)) draws.push_back({cost(h), weight, h, each.index});
  }
  auto before = [](const Draw& a, const Draw& b) {
    auto left = static_cast<unsigned __int128>(a.cost) * b.weight,
         right = static_cast<unsigned __int128>(b.cost) * a.weight;
    return left != right ? left < right : a.hash > b.hash;
  };
  count = std::min(count, draws.size());
  std::partial_sort(draws.begin(), draws.begin() + static_cast<std::ptrdiff_t>(count), draws.end(), before);
  std::vector<size_t> order;
  for (size_t i = 0; i < count; ++i) order.push_back(draws[i].index);
  return order;
}

}  // namespace postigo
