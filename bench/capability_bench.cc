// What does it cost to rewrite a capability list: once in the login's answer, and in the stream whenever a backend says
// one again?
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/allocations.h"
#include "parser/imap/capability.h"
#include "parser/imap/filter.h"
#include "parser/imap/verbs.h"

namespace postigo {
namespace {

// Dovecot 2.3 after login.
constexpr const char* kDovecot =
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY "
    "PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE";

CapabilityPolicy policy(bool edited) {
  CapabilityPolicy result;
  if (edited) {
    result.hide = {"NOTIFY", "CATENATE", "URL-PARTIAL"};
    result.add = {"XLIST"};
  }
  return result;
}

void report(benchmark::State& state, uint64_t before) {
  state.counters["allocations"] = {static_cast<double>(bench::allocations - before),
                                   benchmark::Counter::kAvgIterations};
}

// Argument: whether the operator hides and adds.
void BM_LoginReply(benchmark::State& state) {
  std::vector<std::string> names;
  std::istringstream all(kDovecot);
  for (std::string name; all >> name;) names.push_back(name);
  CapabilityPolicy edited = policy(state.range(0) != 0);
  uint64_t before = bench::allocations;
  for (auto _ : state) benchmark::DoNotOptimize(imap::rewrite_capabilities(names, edited));
  report(state, before);
}
BENCHMARK(BM_LoginReply)->ArgName("edited")->Arg(0)->Arg(1);

void BM_InTheStream(benchmark::State& state) {
  std::array<Counter, imap::kVerbs.size()> counts;
  auto filter = imap::make_filter(std::make_shared<CapabilityPolicy>(policy(state.range(0) != 0)), {}, counts.data());
  std::string line = std::string("* CAPABILITY ") + kDovecot + "\r\n";
  uint64_t before = bench::allocations;
  size_t written = 0;
  for (auto _ : state) {
    Bytes rest = line;
    while (!rest.empty()) {
      Slices slices;
      FilterStep step = filter->from_backend(rest, slices);
      for (Bytes slice : slices.all()) written += slice.size();
      rest.remove_prefix(step.consumed);
    }
  }
  benchmark::DoNotOptimize(written);
  report(state, before);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(line.size()));
}
BENCHMARK(BM_InTheStream)->ArgName("edited")->Arg(0)->Arg(1);

}  // namespace
}  // namespace postigo
