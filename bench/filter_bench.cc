// How much may flow through the relay's filter, on one core, beside the sockets and TLS that cost far more? By what the
// stream is made of and by how much arrives at a time. An allocation per MiB would be a bug.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>

#include "bench/allocations.h"
#include "parser/protocol.h"

namespace postigo {
namespace {

constexpr size_t kStream = 4 << 20;

// Messages up to a whole number of them beyond kStream.
template <typename Message>
std::string stream(Message message) {
  std::string text;
  for (size_t i = 1; text.size() < kStream; ++i) text += message(i);
  return text;
}

std::string body(size_t size) {  // lines of base64, as attachments are
  std::string text;
  while (text.size() < size) text += std::string(76, 'A' + static_cast<char>(text.size() % 26)) + "\r\n";
  text.resize(size);
  return text;
}

std::string fetch_with_literals(size_t size) {
  std::string literal = body(size);
  return stream([&](size_t i) {
    return "* " + std::to_string(i) + " FETCH (UID " + std::to_string(i) + " BODY[] {" + std::to_string(size) +
           "}\r\n" + literal + ")\r\n";
  });
}

std::string fetch_without_literals() {
  return stream([](size_t i) {
    std::string n = std::to_string(i);
    return "* " + n + " FETCH (UID " + n +
           " FLAGS (\\Seen \\Answered $Junk) ENVELOPE (\"Tue, 21 Nov 2023 21:26:00 +0000\" "
           "\"Re: the small door\" ((\"Ann\" NIL \"ann\" \"example.com\")) ((\"Ann\" NIL \"ann\" \"example.com\")) NIL "
           "((\"Bob\" NIL \"bob\" \"example.org\")) NIL NIL NIL \"<" +
           n + "@example.com>\"))\r\n";
  });
}

std::string flags() {
  return stream([](size_t i) { return "* " + std::to_string(i) + " FETCH (FLAGS (\\Seen))\r\n"; });
}

std::string noops() {
  return stream([](size_t i) { return "a" + std::to_string(i) + " NOOP\r\n"; });
}

// One long message: the filter knows where it ends.
std::string retr() { return "+OK 4194304 octets\r\n" + body(kStream) + "\r\n.\r\n"; }

std::unique_ptr<RelayFilter> make(const char* protocol) {
  static std::array<Counter, 64> counts;
  return find_protocol(protocol)->make_filter(std::make_shared<CapabilityPolicy>(), {}, counts.data());
}

using Direction = FilterStep (RelayFilter::*)(Bytes, Slices&);

// Offers all of `text`, `chunk` octets at a time; a filter that keeps some is offered it again with more behind it.
bool run(RelayFilter& filter, Direction direction, Bytes text, size_t chunk, size_t& written) {
  size_t offered = 0, begin = 0;
  while (begin < text.size()) {
    offered = std::min(text.size(), offered + chunk);
    while (begin < offered) {
      Slices slices;
      FilterStep step = (filter.*direction)(text.substr(begin, offered - begin), slices);
      for (Bytes slice : slices.all()) written += slice.size();
      begin += step.consumed;
      if (step.state == FilterStep::State::broken) return false;
      if (step.state != FilterStep::State::ok || step.consumed == 0) break;
    }
    if (begin < offered && offered == text.size()) return false;
  }
  return true;
}

// `question` is what the client says before each round: a POP3 answer is a listing only if the command asked for one.
void BM_Filter(benchmark::State& state, const char* protocol, Direction direction, const std::string& text,
               const std::string& question = {}) {
  std::unique_ptr<RelayFilter> filter = make(protocol);
  auto chunk = static_cast<size_t>(state.range(0));
  size_t written = 0;
  uint64_t before = bench::allocations;
  for (auto _ : state) {
    bool fine = run(*filter, &RelayFilter::from_client, question, question.size(), written) &&
                run(*filter, direction, text, chunk, written);
    if (!fine) {
      state.SkipWithError("the filter stopped");
      return;
    }
  }
  benchmark::DoNotOptimize(written);
  if (bench::allocations != before) state.SkipWithError("the filter allocates");
  double mib = static_cast<double>(state.iterations()) * static_cast<double>(text.size()) / (1 << 20);
  state.counters["allocations_per_MiB"] = static_cast<double>(bench::allocations - before) / mib;
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

// Argument: octets that arrive at a time.
void chunks(benchmark::internal::Benchmark* each) {
  each->ArgName("chunk")->Arg(1024)->Arg(16 * 1024)->Arg(256 * 1024);
}

constexpr Direction kToClient = &RelayFilter::from_backend;
constexpr Direction kToBackend = &RelayFilter::from_client;

BENCHMARK_CAPTURE(BM_Filter, ImapFetchLiteral64K, "imap", kToClient, fetch_with_literals(64 * 1024))->Apply(chunks);
BENCHMARK_CAPTURE(BM_Filter, ImapFetchLiteral1K, "imap", kToClient, fetch_with_literals(1024))->Apply(chunks);
BENCHMARK_CAPTURE(BM_Filter, ImapFetchEnvelope, "imap", kToClient, fetch_without_literals())->Apply(chunks);
BENCHMARK_CAPTURE(BM_Filter, ImapFetchFlags, "imap", kToClient, flags())->Apply(chunks);
BENCHMARK_CAPTURE(BM_Filter, ImapClientNoops, "imap", kToBackend, noops())->Apply(chunks);
BENCHMARK_CAPTURE(BM_Filter, Pop3Retr, "pop3", kToClient, retr(), "RETR 1\r\n")->Apply(chunks);

}  // namespace
}  // namespace postigo
