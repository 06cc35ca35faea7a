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

Rendezvous::Rendezvous(std::vector<Node> nodes) {
  std::map<uint64_t, std::map<std::string_view, size_t>> ordered;  // so that ties do not depend on the file's order
  for (size_t i = 0; i < nodes.size(); ++i) ordered[steps(nodes[i].weight)][nodes[i].name] = i;
  for (const auto& [weight, members] : ordered) {
    Group& group = groups_.emplace_back();
    group.weight = weight;
    for (const auto& [name, index] : members) {
      group.seeds.push_back(siphash(kShardKey, name));
      group.indices.push_back(index);
    }
  }
}

size_t Rendezvous::pick(Bytes key) const {
  assert(!groups_.empty());
  const uint64_t user = siphash(kUserKey, key);
  size_t winner = 0;
  uint64_t least = 0;
  uint64_t least_weight = 0;
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
    if (groups_.size() == 1) return group.indices[best];
    uint64_t draw = cost(highest);
    // draw / weight < least / least_weight, without dividing
    if (least_weight == 0 ||
        static_cast<unsigned __int128>(draw) * least_weight < static_cast<unsigned __int128>(least) * group.weight) {
      winner = group.indices[best];
      least = draw;
      least_weight = group.weight;
    }
  }
  return winner;
}

std::vector<size_t> Rendezvous::rank(Bytes key, size_t count, const std::function<bool(size_t)>& wanted) const {
  struct Draw {
    uint64_t cost, weight, hash;
    size_t index;
  };
  const uint64_t user = siphash(kUserKey, key);
  const bool one_weight = groups_.size() == 1;
  std::vector<Draw> draws;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.seeds.size(); ++i) {
      if (!wanted(group.indices[i])) continue;
      uint64_t h = mix(user ^ group.seeds[i]);
      draws.push_back({one_weight ? 0 : cost(h), group.weight, h, group.indices[i]});
    }
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
