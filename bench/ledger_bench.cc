// What does a login pay for what all workers must agree on, while so many users are known already? One thread: what a
// lock costs that others want is not here.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "backends/ledger/affinity.h"
#include "backends/ledger/penalty.h"

namespace postigo {
namespace {

constexpr uint64_t kHourMs = 3'600'000;
constexpr size_t kRoomFor = 1'100'000;
constexpr int kUsersLeast = 1000, kUsersMost = 1'000'000, kStep = 10;

SipKey key() { return sip_key("sixteen octets.."); }

std::vector<std::string> users(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back("some.user." + std::to_string(i) + "@mail.example.com");
  return names;
}

// Each in turn, with a step that leaves the caches: so come users.
const std::string& turn_of(const std::vector<std::string>& names, size_t number) {
  constexpr size_t kPrime = 611'953;
  return names[number * kPrime % names.size()];
}

// A login of a user who is bound, to its end.
void BM_Bind(benchmark::State& state) {
  Affinity affinity(kRoomFor, key(), [] { return uint64_t{1}; });
  const std::vector<std::string> names = users(state.range(0));
  for (const std::string& name : names) affinity.adopt(name, 1, kHourMs);
  size_t next = 0;
  for (auto _ : state) {
    Bonds::Bond bond;
    affinity.bind(bond, turn_of(names, next++), 2, kHourMs, [](Bonds::Slot) { return true; });
    benchmark::DoNotOptimize(bond.settle());
  }
  if (affinity.redirected() == 0) state.SkipWithError("nobody was bound");
}
BENCHMARK(BM_Bind)->ArgName("users")->RangeMultiplier(kStep)->Range(kUsersLeast, kUsersMost);

// An attempt that is right, of a user who is known at its address.
void BM_Penalties(benchmark::State& state) {
  const PenaltyRules rules = penalty_rules({});
  Penalties penalties(kRoomFor, key());
  const std::vector<std::string> names = users(state.range(0));
  const config::AnyAddress from = {0x20, 0x01, 0x0d, 0xb8};
  auto log_in = [&](const std::string& name) {
    const Guest guest{from, name};
    penalties.succeeded(rules, guest, penalties.begin(rules, guest, 1), 1);
  };
  for (const std::string& name : names) log_in(name);
  size_t next = 0;
  for (auto _ : state) log_in(turn_of(names, next++));
}
BENCHMARK(BM_Penalties)->ArgName("users")->RangeMultiplier(kStep)->Range(kUsersLeast, kUsersMost);

}  // namespace
}  // namespace postigo
