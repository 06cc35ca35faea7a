// What does it cost to get from a user name, as the client wrote it, to the ordered list of backends?
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "backends/router.h"

namespace postigo {
namespace {

// One shard per backend, weights 1 .. `weights`.
config::Live platform(int64_t backends, int64_t weights) {
  config::Live live;
  config::Pool pool;
  pool.name = "main";
  for (int64_t i = 0; i < backends; ++i) {
    config::Backend backend;
    backend.name = std::string("backend").append(std::to_string(i));
    backend.ports["imap"] = 143;
    live.backends.push_back(backend);
    pool.shards.push_back({backend.name, static_cast<double>(1 + i % weights), {backend.name}});
  }
  live.pools.push_back(pool);
  return live;
}

std::vector<std::string> users() {
  std::vector<std::string> names;
  for (int i = 0; i < 1024; ++i) names.push_back(std::string("Some.User").append(std::to_string(i)) + "@Example.COM");
  return names;
}

void measure(benchmark::State& state, const config::Live& live) {
  Router router(live);
  const std::vector<std::string> names = users();
  size_t next = 0;
  for (auto _ : state) {
    Identity identity;
    identity.user = *router.normalise(names[next++ % names.size()]);
    auto route = router.route(identity, "imap");
    benchmark::DoNotOptimize(route->candidates.front());
  }
}

// By hash: arguments are backends and distinct weights.
void BM_Hash(benchmark::State& state) { measure(state, platform(state.range(0), state.range(1))); }
BENCHMARK(BM_Hash)->ArgNames({"backends", "weights"})->ArgsProduct({{10, 1000, 10000}, {1, 4}});

// By exact rule, among as many rules as there are users of which all but the last are others.
void BM_ExactRule(benchmark::State& state) {
  config::Live live = platform(10, 1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    config::Rule rule;
    rule.user = std::string("other").append(std::to_string(i)) + "@example.com";
    live.routing.rules.push_back(rule);
  }
  config::Rule rule;
  rule.domain = "example.com";
  rule.shard = "backend7";
  live.routing.rules.push_back(rule);
  measure(state, live);
}
BENCHMARK(BM_ExactRule)->ArgName("rules")->Arg(10)->Arg(1000)->Arg(10000);

// By the last of N regexes, all of which are tried: the reason to prefer exact rules.
void BM_Regex(benchmark::State& state) {
  config::Live live = platform(10, 1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    config::Rule rule;
    rule.regex = std::string(".*@(mail").append(std::to_string(i)) + "|example)\\.org";
    live.routing.rules.push_back(rule);
  }
  measure(state, live);
}
BENCHMARK(BM_Regex)->ArgName("rules")->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace postigo
