// Runs every transcript under tests/dialogue/ (transcript.h says what one is) as written, at every split, and cut off
// at every octet.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/dialogue/transcript.h"

namespace postigo::transcript {
namespace {

std::vector<std::string> files() {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(POSTIGO_SOURCE_DIR "/tests/dialogue")) {
    if (entry.path().extension() == ".txt") result.push_back(entry.path().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  std::filesystem::path path = info.param;
  std::string name = path.parent_path().filename().string() + "_" + path.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

std::string text(const Trace& trace) {
  std::string result;
  for (const std::string& line : trace) result += "  " + printable(line, 4000) + "\n";
  return result;
}

class Transcript : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    script_ = load(GetParam());
    ASSERT_EQ(script_.error, "");
    for (const Block& block : script_.blocks) {
      all_.insert(all_.end(), block.expected.begin(), block.expected.end());
      size_ += block.input.size();
    }
    ASSERT_FALSE(all_.empty()) << "a transcript that expects nothing shows nothing";
  }

  void expect(const std::function<bool(size_t)>& cut, const std::string& how) {
    std::string rest;
    Trace trace = run_cut(script_, cut, rest);
    if (trace != all_) FAIL() << how << "\nwas\n" << text(trace) << "should be\n" << text(all_);
    ASSERT_EQ(rest, script_.rest) << how;
  }

  Script script_;
  Trace all_;
  size_t size_ = 0;
};

TEST_P(Transcript, AsWritten) {
  std::string rest;
  std::vector<Trace> traces = run_as_written(script_, rest);
  for (size_t i = 0; i < traces.size(); ++i) {
    EXPECT_EQ(text(traces[i]), text(script_.blocks[i].expected))
        << "after input " << printable(script_.blocks[i].input);
  }
  EXPECT_EQ(rest, script_.rest);
}

TEST_P(Transcript, AtEverySplit) {
  std::set<size_t> whole = uncut(script_);
  auto may = [&](size_t at) { return whole.count(at) == 0; };
  expect([](size_t) { return false; }, "as few writes as may be");
  expect(may, "octet by octet");
  if (size_ > 4000) return;
  for (size_t i = 1; i < size_; ++i) {
    expect([&](size_t at) { return at == i && may(at); }, "cut at " + std::to_string(i));
    if (HasFatalFailure()) return;
  }
  if (size_ > 120) return;  // pairs of cuts: quadratic
  for (size_t i = 1; i < size_; ++i) {
    for (size_t k = i + 1; k < size_; ++k) {
      expect([&](size_t at) { return (at == i || at == k) && may(at); },
             "cut at " + std::to_string(i) + "," + std::to_string(k));
      if (HasFatalFailure()) return;
    }
  }
}

// The peer vanishes at every octet (A14): the sanitizer watches.
TEST_P(Transcript, DroppedAnywhere) {
  std::vector<std::string> before;
  for (const std::string& input : epochs(script_)) {
    for (size_t size = 0; size < std::min<size_t>(input.size(), 3000); ++size) {
      Player run(script_);
      for (const std::string& each : before) run.feed(each);
      run.feed(std::string_view(input).substr(0, size));
    }
    before.push_back(input);
  }
}

// Without any file googletest itself fails.
INSTANTIATE_TEST_SUITE_P(Files, Transcript, testing::ValuesIn(files()), name_of);

TEST(Transcripts, EveryProtocolHasThem) {
  std::vector<std::string> all = files();
  for (const Protocol& protocol : protocols()) {
    std::string folder = std::string("/dialogue/") + std::string(protocol.name) + "/";
    EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                            [&](const std::string& path) { return path.find(folder) != std::string::npos; }))
        << "no transcript in tests" << folder;
  }
}

}  // namespace
}  // namespace postigo::transcript
