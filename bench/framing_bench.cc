// How fast are commands cut off a buffer, before anybody asks what they mean? Before login only: the relay does not
// frame commands, it filters (filter_bench).
#include <benchmark/benchmark.h>

#include <string>

#include "parser/framing/line_reader.h"
#include "parser/framing/literal_reader.h"

namespace postigo {
namespace {

constexpr size_t kMessageMax = 1 << 20;

std::string repeated(const std::string& message, size_t at_least) {
  std::string text;
  while (text.size() < at_least) text += message;
  return text;
}

void lines(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    LineReader reader(kMessageMax);
    Bytes rest = text;
    while (!rest.empty()) {
      LineReader::Line line = reader.next(rest);
      benchmark::DoNotOptimize(line.text.data());
      rest.remove_prefix(line.consumed);
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void messages(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    LiteralReader reader(kMessageMax);
    Bytes rest = text;
    while (!rest.empty()) {
      LiteralReader::Framed framed = reader.next(rest);
      if (framed.status == LiteralReader::Status::literal) {
        reader.grant();
        continue;
      }
      if (framed.status != LiteralReader::Status::message) {
        state.SkipWithError("lost the framing");
        return;
      }
      rest.remove_prefix(framed.size);
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

std::string id_command() {  // T11: 31 KB, legal
  std::string line = "a1 ID (";
  for (int i = 0; i < 30; ++i) line += "\"key" + std::to_string(100 + i) + "\" \"" + std::string(1020, 'v') + "\" ";
  line.back() = ')';
  return line + "\r\n";
}

void BM_Pop3Lines(benchmark::State& state) { lines(state, repeated("USER alice@example.com\r\n", 1 << 16)); }
BENCHMARK(BM_Pop3Lines);

void BM_ImapLines(benchmark::State& state) {
  messages(state, repeated("a001 LOGIN alice@example.com \"correct horse\"\r\n", 1 << 16));
}
BENCHMARK(BM_ImapLines);

void BM_ImapLongLines(benchmark::State& state) { messages(state, repeated(id_command(), 1 << 16)); }
BENCHMARK(BM_ImapLongLines);

void BM_ImapLiterals(benchmark::State& state) {
  messages(state, repeated("a001 LOGIN {17}\r\nalice@example.com {13}\r\ncorrect horse\r\n", 1 << 16));
}
BENCHMARK(BM_ImapLiterals);

void BM_ImapBigLiterals(benchmark::State& state) {
  messages(state, repeated("a001 X {65536+}\r\n" + std::string(65536, 'x') + "\r\n", 1 << 18));
}
BENCHMARK(BM_ImapBigLiterals);

// The worst way to receive a command: one octet per call. Per octet, not per call, must be the cost.
void BM_ImapOctetByOctet(benchmark::State& state) {
  std::string text = id_command();
  for (auto _ : state) {
    LiteralReader reader(kMessageMax);
    LiteralReader::Framed framed;
    for (size_t size = 1; size <= text.size(); ++size) framed = reader.next(Bytes(text).substr(0, size));
    if (framed.status != LiteralReader::Status::message) state.SkipWithError("not framed");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(BM_ImapOctetByOctet);

}  // namespace
}  // namespace postigo
