// A plain main for every fuzz target: replays a corpus, then seeded mutations of it, so that no target rots and a crash
// can be repeated without libFuzzer. It is no fuzzer: it has no coverage feedback, only the same order every time.
//
//   fuzz_NAME PATH... [--mutations N] [--seed S]      PATH: a folder of inputs, or one input
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kInputMax = 128 * 1024;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  size_t below(size_t bound) { return bound == 0 ? 0 : static_cast<size_t>(next() % bound); }

 private:
  uint64_t next() {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

// Octets that end, open or escape something in one of our protocols.
constexpr std::string_view kInteresting("\r\n {}[]()\"\\*+=\0\x01\x7f\xff", 18);

std::string slice_of(const std::string& text, Random& random) {
  size_t from = random.below(text.size() + 1);
  return text.substr(from, random.below(std::min<size_t>(text.size() - from, 64) + 1));
}

void mutate_once(std::string& input, const std::vector<std::string>& corpus, Random& random) {
  size_t at = random.below(input.size() + 1);
  switch (random.below(7)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
      return;
    case 1:
      if (at < input.size()) input[at] = kInteresting[random.below(kInteresting.size())];
      return;
    case 2:
      input.insert(at, 1, kInteresting[random.below(kInteresting.size())]);
      return;
    case 3:
      input.erase(at, random.below(8) + 1);
      return;
    case 4:
      input.insert(at, slice_of(input, random));
      return;
    case 5:
      input.insert(at, slice_of(corpus[random.below(corpus.size())], random));
      return;
    default:
      input.insert(at, std::to_string(random.below(3) == 0 ? random.below(1UL << 62) : random.below(20)));
      return;
  }
}

void load(const std::filesystem::path& path, std::vector<std::string>& corpus) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  } else {
    files.push_back(path);
  }
  std::sort(files.begin(), files.end());  // the same order on every machine
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", file.c_str());
      std::exit(2);
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
}

const std::string* g_input = nullptr;

// What broke an oracle, so that it can become a test.
void show(int) {
  std::fputs("input: ", stderr);
  for (char c : *g_input) {
    std::fprintf(stderr, c > 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", static_cast<unsigned char>(c));
  }
  std::fputs("\n", stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void run(const std::string& input) {
  g_input = &input;
  // An exact copy on the heap: one octet read past the end is seen by the sanitizer.
  std::vector<uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, show);
  std::vector<std::string> corpus;
  uint64_t mutations = 0;
  uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    if (arg == "--mutations" && i + 1 < argc) {
      mutations = std::strtoull(argv[++i], nullptr, 10);
    } else if (arg == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      load(arg, corpus);
    }
  }
  for (const std::string& input : corpus) run(input);
  std::printf("replayed %zu inputs\n", corpus.size());
  if (corpus.empty()) {
    std::fputs("there is no input in what was named\n", stderr);
    return 1;
  }

  Random random(seed);
  for (uint64_t n = 0; n < mutations; ++n) {
    std::string input = corpus[random.below(corpus.size())];
    for (size_t times = random.below(4) + 1; times > 0; --times) mutate_once(input, corpus, random);
    if (input.size() <= kInputMax) run(input);
  }
  std::printf("replayed %llu mutations, seed %llu\n", static_cast<unsigned long long>(mutations),
              static_cast<unsigned long long>(seed));
  return 0;
}
