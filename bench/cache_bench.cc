// What does a login pay for an answer of a directory that is kept, and for one that is not?
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "backends/directory/cache/key.h"
#include "backends/directory/cache/store.h"

namespace postigo {
namespace {

std::vector<Query> queries(int64_t users) {
  std::vector<Query> all;
  for (int64_t i = 0; i < users; ++i) {
    Query query;
    query.user = std::string("user").append(std::to_string(i)) + "@example.com";
    query.password = Secret("correct horse battery staple");
    query.mechanism = "PLAIN";
    query.protocol = "imap";
    query.listener = "imaps";
    query.client_ip = "192.0.2.1";
    all.push_back(std::move(query));
  }
  return all;
}

CacheStore::Question question(const Query& query) {
  return {cache_context(query, false), secret_digest(query.password)};
}

void fill(CacheStore& store, const std::vector<Query>& all) {
  for (const Query& query : all) {
    LookupResult result;
    result.verdict = Verdict::ok;
    result.identity.user = query.user;
    store.end(question(query), store.begin(question(query), {}), std::move(result), {});
  }
}

// The context, the keyed hash of the password, and the answer copied out.
void BM_Hit(benchmark::State& state) {
  const std::vector<Query> all = queries(state.range(0));
  CacheStore store({true, 60'000, 5'000, 0, 2'000'000}, false);
  fill(store, all);
  size_t next = 0;
  for (auto _ : state) {
    auto step = store.begin(question(all[next++ % all.size()]), {});
    benchmark::DoNotOptimize(step.answer.identity.user);
    if (step.next != CacheStore::Step::Next::answered) state.SkipWithError("a miss");
  }
}
BENCHMARK(BM_Hit)->Arg(1'000)->Arg(100'000);

void BM_Miss(benchmark::State& state) {
  const std::vector<Query> all = queries(1'000);
  CacheStore store({true, 60'000, 5'000, 0, 2'000'000}, false);
  size_t next = 0;
  for (auto _ : state) {
    const CacheStore::Question about = question(all[next++ % all.size()]);
    LookupResult result;
    result.verdict = Verdict::bad_credentials;
    benchmark::DoNotOptimize(store.end(about, store.begin(about, {}), std::move(result), {}).verdict);
  }
}
BENCHMARK(BM_Miss);

}  // namespace
}  // namespace postigo
