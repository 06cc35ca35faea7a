// Log lines: one event is one line, whatever a stranger calls himself (T62), in text, JSON and logfmt.
#include "proxy/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "parser/base/secret.h"
#include "proxy/base/events.h"
#include "proxy/base/line_budget.h"
#include "tests/unit/proxy/log_file.h"

namespace postigo {
namespace {

using log::Fields;
using log::Level;
using testing::HasSubstr;

// Names that want to look like something else.
const std::vector<std::string>& forgeries() {
  static const std::vector<std::string> names = {
      "eve\nsession user=root reason=logout",
      "eve\r\n2026-01-01T00:00:00.000Z info session user=root",
      "eve\" user=\"root",
      "eve\\\" user=root x=\"",
      "eve user=root",
      "a=b",
      std::string("eve\0root", 8),
      "eve\x1b[2K\x1b[1Auser=root",
      "eve\x7f\x08\x08\x08root",
      "eve\\",
      "\xff\xfe\xc0\xaf",
      "\xed\xa0\x80",
      "",
      "\",\"user\":\"root",
      std::string(100'000, 'x'),
      std::string(1000, '\n'),
  };
  return names;
}

// A line as its reader takes it: after the event, keys with values that are bare up to a space, or in quotes with \".
std::map<std::string, std::string> fields_of(const std::string& line) {
  std::map<std::string, std::string> fields;
  for (size_t at = line.find(' '); at < line.size();) {
    size_t equals = line.find('=', at);
    std::string key = line.substr(at + 1, equals - at - 1), value;
    at = equals + 1;
    if (line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && line[at + 1] == '"') ++at;
        value += line[at];
      }
      ++at;
    } else {
      size_t end = std::min(line.find(' ', at), line.size());
      value = line.substr(at, end - at);
      at = end;
    }
    EXPECT_TRUE(at == line.size() || (at < line.size() && line[at] == ' '))
        << "text behind the closing quote: " << line;
    EXPECT_TRUE(fields.emplace(key, value).second) << key << " twice: " << line;
  }
  return fields;
}

TEST(Log, TextIsKeysAndValues) {
  EXPECT_EQ(log::render_text("ready", {}), "ready");
  EXPECT_EQ(log::render_text("e", {{"a", "x"}, {"b", 7}, {"c", true}, {"d", 1.5}, {"e", "two words"}, {"f", ""}}),
            "e a=x b=7 c=true d=1.500 e=\"two words\" f=\"\"");
  EXPECT_EQ(log::render_text("e", {{"a", "say \"x\""}, {"b", "k=v"}, {"c", "back\\slash"}}),
            "e a=\"say \\\"x\\\"\" b=\"k=v\" c=back\\x5cslash");
}

// Eight octets are looked at together: each octet in each place of values of many sizes.
TEST(Log, T62_EveryOddOctetIsSeenWhereverItStands) {
  for (size_t size = 1; size <= 26; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string value(size, 'x');
        value[at] = static_cast<char>(octet);
        const std::string line = log::render_text("e", {{"a", value}, {"b", 1}});
        const bool plain = octet > ' ' && octet <= '~' && octet != '"' && octet != '=' && octet != '\\';
        ASSERT_EQ(line == "e a=" + value + " b=1", plain) << line;
        ASSERT_FALSE(octet == ' ' || octet == '"' || octet == '=' ? line.find("a=\"") == std::string::npos
                                                                  : line.find('"') != std::string::npos)
            << line;
      }
    }
  }
}

TEST(Log, ValuesOfAllSizesAreWrittenWhole) {
  std::string all = "e", value;
  Fields fields;
  std::vector<std::string> values;
  for (size_t size = 1; size <= Fields::kMost; ++size) values.push_back(value += static_cast<char>('a' + size % 26));
  for (const std::string& each : values) {
    fields.push_back({each, each});
    all += " " + each + "=" + each;
  }
  EXPECT_EQ(log::render_text("e", fields), all);
  fields.push_back({"more", 1});
  EXPECT_EQ(log::render_text("e", fields), all) << "there is room for no more";
  EXPECT_EQ(log::render_text("e", {{"a", INT64_MIN}, {"b", INT64_MAX}}),
            "e a=-9223372036854775808 b=9223372036854775807");
}

// What a line has room for is more than any event may bear.
TEST(Log, NoEventHasMoreFieldsThanALineHasRoomFor) {
  for (const log::Event* event : events::kAll) {
    const auto blanks = std::count(event->fields.begin(), event->fields.end(), ' ');
    EXPECT_LT(static_cast<size_t>(blanks), Fields::kMost) << event->name;
  }
}

TEST(Log, SecondsToTheThousandth) {
  for (auto [value, text] : {std::pair(0.0, "0.000"),
                             {0.0004, "0.000"},
                             {0.0006, "0.001"},
                             {0.9996, "1.000"},
                             {12.045, "12.045"},
                             {86400.1, "86400.100"},
                             {-1.5, "-1.500"},
                             {1e12, "1000000000000.000"}}) {
    EXPECT_EQ(log::render_text("e", {{"d", value}}), std::string("e d=") + text);
  }
}

TEST(Log, JsonKeepsTypesAndOrder) {
  EXPECT_EQ(log::render_json("T", Level::warning, "e", {{"z", "x\"y"}, {"b", 7}, {"c", false}, {"d", 0.25}}),
            R"({"time":"T","level":"warning","event":"e","z":"x\"y","b":7,"c":false,"d":0.25})");
}

TEST(Log, T62_NobodyForgesATextLine) {
  for (const std::string& name : forgeries()) {
    std::string line = log::render_text("session", {{"claimed_user", name}, {"reason", "client_closed"}});
    for (char c : line) ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << line;
    EXPECT_LT(line.size(), 1200u);
    std::map<std::string, std::string> fields = fields_of(line);
    EXPECT_EQ(fields.size(), 2u) << line;
    EXPECT_EQ(fields["reason"], "client_closed") << line;
    if (name.size() < 60 && name.find_first_of(std::string("\r\n\x1b\x7f\xff\xed\\\0", 8)) == std::string::npos) {
      EXPECT_EQ(fields["claimed_user"], name);
    }
  }
}

TEST(Log, T62_NobodyForgesAJsonLine) {
  for (const std::string& name : forgeries()) {
    std::string line =
        log::render_json("T", Level::info, "session", {{"claimed_user", name}, {"reason", "client_closed"}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    auto parsed = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << line;
    EXPECT_EQ(parsed.size(), 5u) << line;
    EXPECT_EQ(parsed["reason"], "client_closed");
    EXPECT_LE(parsed["claimed_user"].get<std::string>().size(), 515u);
  }
}

// By the rules of logfmt's readers (go-logfmt, Loki): bare up to a blank, or in quotes with escapes as in JSON.
std::map<std::string, std::string> logfmt_fields(const std::string& line) {
  std::map<std::string, std::string> fields;
  for (size_t at = 0; at < line.size(); ++at) {
    const size_t equals = line.find('=', at);
    const std::string key = line.substr(at, equals - at);
    EXPECT_EQ(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << line;
    size_t end = line.find(' ', equals);
    std::string value;
    if (line[equals + 1] == '"') {
      for (end = equals + 2; end < line.size() && line[end] != '"'; ++end) end += line[end] == '\\' ? 1 : 0;
      value = nlohmann::json::parse(line.substr(equals + 1, end - equals)).get<std::string>();
      ++end;
    } else {
      value = line.substr(equals + 1, std::min(end, line.size()) - equals - 1);
      EXPECT_EQ(value.find_first_of("\"=\\"), std::string::npos) << line;
    }
    at = std::min(end, line.size());
    EXPECT_TRUE(at == line.size() || line[at] == ' ') << line;
    EXPECT_TRUE(fields.emplace(key, value).second) << key << " twice: " << line;
  }
  return fields;
}

TEST(Log, LogfmtIsKeysAndValuesThroughout) {
  EXPECT_EQ(log::render_logfmt("T", Level::warning, "e", {{"a", "x"}, {"b", 7}, {"c", true}, {"d", 1.5}}),
            "time=T level=warning event=e a=x b=7 c=true d=1.500");
  EXPECT_EQ(log::render_logfmt("", Level::info, "e", {{"a", ""}, {"b", "two words"}, {"c", "k=v"}, {"d", "caf\u00e9"}}),
            "level=info event=e a=\"\" b=\"two words\" c=\"k=v\" d=caf\u00e9");
  EXPECT_EQ(log::render_logfmt("", Level::info, "e", {{"a", "say \"x\""}, {"b", "back\\slash"}, {"c", "x\ny"}}),
            "level=info event=e a=\"say \\\"x\\\"\" b=\"back\\\\x5cslash\" c=\"x\\\\x0ay\"");
}

// What is read back is the same as in JSON.
TEST(Log, T62_NobodyForgesALogfmtLine) {
  for (const std::string& name : forgeries()) {
    const Fields fields = {{"claimed_user", name}, {"reason", "client_closed"}};
    const std::string line = log::render_logfmt("T", Level::info, "session", fields);
    for (char c : line) ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << line;
    auto read = logfmt_fields(line);
    auto json = nlohmann::json::parse(log::render_json("T", Level::info, "session", fields));
    EXPECT_EQ(read.size(), 5u) << line;
    for (const auto& [key, value] : read) EXPECT_EQ(json[key], value) << line;
  }
}

TEST(Log, LongValuesAreCutAndSaySo) {
  std::string line = log::render_text("e", {{"a", std::string(2000, 'x')}});
  EXPECT_THAT(line, testing::EndsWith("xxx..."));
  EXPECT_LT(line.size(), 530u);
}

constexpr log::Event kDebug{"hidden", Level::debug, "", "n"};
constexpr log::Event kInfo{"e", Level::info, "", "n text user"};
constexpr log::Event kWarning{"seen", Level::warning, "", "n"};
constexpr log::Event kError{"seen", Level::error, "", "n"};

TEST(Log, WritesTheLevelsThatAreWanted) {
  LogFile file(config::Log::Format::text, Level::warning);
  EXPECT_FALSE(log::enabled(kInfo));
  EXPECT_TRUE(log::enabled(kError));
  log::Counts before = log::counts();
  log::write(kDebug);
  log::write(kInfo);
  log::write(kWarning, {{"n", 1}});
  log::write(kError, {{"n", 2}});
  for (size_t i = 0; i < before.lines.size(); ++i) EXPECT_EQ(log::counts().lines[i] - before.lines[i], i < 2 ? 0u : 1u);
  std::vector<std::string> lines = file.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], testing::MatchesRegex("20..-..-..T..:..:..\\....Z warning seen n=1"));
  EXPECT_THAT(lines[1], testing::EndsWith("error seen n=2"));
}

// Lines are made with fmt: a name with braces must pass through it.
TEST(Log, BracesAreOrdinaryCharacters) {
  LogFile file;
  log::write(kInfo, {{"user", "{} {0} {:d} %n%s"}});
  EXPECT_THAT(file.text(), HasSubstr("user=\"{} {0} {:d} %n%s\""));
}

TEST(Log, LinesOfManyThreadsDoNotMix) {
  LogFile file(config::Log::Format::json);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 250; ++i) log::write(kInfo, {{"n", t}, {"text", std::string(200, 'x')}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> lines = file.lines();
  EXPECT_EQ(lines.size(), 1000u);
  for (const std::string& line : lines) ASSERT_FALSE(nlohmann::json::parse(line, nullptr, false).is_discarded());
}

TEST(Log, AFileThatCannotBeOpenedIsAnError) {
  Temporary folder;
  std::ofstream(folder.file("plain")) << "a file is no folder";
  config::Log options;
  options.file = folder.file("plain/postigo.log");
  auto opened = log::open(options);
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, testing::StartsWith("cannot open the log file " + options.file + ": "));
}

// --- what is lost is counted and told ---

using Losses = std::map<std::string, std::string>;
Losses told_in(const LogFile& file) {
  for (const std::string& line : file.lines()) {
    if (size_t at = line.find("warning log_incomplete "); at != std::string::npos)
      return fields_of(line.substr(at + 8));
  }
  return {};
}

TEST(Log, StrangersCannotFillIt) {
  config::Log options;
  options.stranger_lines_per_s = 5;
  LogFile file(options);
  uint64_t before = log::counts().over_limit;
  for (int i = 0; i < 5000; ++i) log::write_bounded(kInfo, {{"n", i}});
  uint64_t over = log::counts().over_limit - before;
  EXPECT_EQ(file.lines().size(), 5000 - over) << "each line is there or counted";
  EXPECT_GE(over, 4900u) << "five in each second, and this took less than twenty of them";
  log::write(kWarning);
  log::tell_losses();
  EXPECT_THAT(file.text(), HasSubstr(" warning seen\n")) << "what the proxy itself has to say is never dropped";
  EXPECT_EQ(told_in(file), (Losses{{"over_limit", std::to_string(over)}, {"unwritten", "0"}, {"cut", "0"}}));
  size_t lines = file.lines().size();
  log::tell_losses();
  EXPECT_EQ(file.lines().size(), lines) << "told once";
}

TEST(Log, ALimitIsOfEachSecond) {
  log::LineBudget budget(2);
  std::vector<bool> taken;
  for (uint64_t now_ms : {5000u, 5001u, 5999u, 6000u, 6500u, 6999u, 9000u}) taken.push_back(budget.take(now_ms));
  EXPECT_EQ(taken, (std::vector<bool>{true, true, false, true, true, false, true}));
}

TEST(Log, CutLinesAreCounted) {
  LogFile file;
  log::write(kInfo, {{"text", std::string(508, 'x')}});
  log::write(kInfo, {{"text", std::string(513, 'x')}, {"user", std::string(2000, '\n')}});
  log::write(kInfo, {{"text", "that was all..."}});
  log::tell_losses();
  EXPECT_EQ(told_in(file)["cut"], "1");
}

// The next line says so by itself: nobody has to ask.
TEST(Log, LossesAreToldWithTheNextLine) {
  LogFile file;
  log::write(kInfo, {{"text", std::string(513, 'x')}});
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // once a second at most
  log::write(kInfo);
  std::vector<std::string> lines = file.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[1], HasSubstr(" log_incomplete over_limit=0 unwritten=0 cut=1"));
}

TEST(Log, LinesThatAFullDiskDidNotTakeAreCounted) {
  config::Log options;
  options.file = "/dev/full";
  ASSERT_TRUE(log::open(options).has_value());
  uint64_t before = log::counts().unwritten;
  log::write(kInfo);
  log::write(kInfo);
  log::tell_losses();  // is lost, too
  uint64_t lost = log::counts().unwritten - before;
  EXPECT_GE(lost, 3u) << "two lines and what tells of them, once or twice";
  Temporary folder;
  options.file = folder.file("log");
  ASSERT_TRUE(log::open(options).has_value());
  log::tell_losses();
  std::stringstream text;
  text << std::ifstream(options.file).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(" unwritten=" + std::to_string(lost) + " "))
      << "nothing was told as long as nobody could hear it";
  LogFile next;
}

TEST(LogDeathTest, AFieldThatTheTableDoesNotHave) {
  LogFile file;
  EXPECT_DEBUG_DEATH(log::write(kInfo, {{"surprise", 1}}), "fits");
}

// The folder belongs to the account that writes: who can make a link there must not say where root's octets go.
TEST(Log, A37_ASymbolicLinkIsNotFollowed) {
  Temporary folder;
  std::ofstream(folder.file("victim")) << "before";
  ASSERT_EQ(::symlink(folder.file("victim").c_str(), folder.file("log").c_str()), 0);
  ASSERT_EQ(::symlink(folder.file("absent").c_str(), folder.file("dangling").c_str()), 0);
  for (const char* name : {"log", "dangling"}) {
    config::Log options;
    options.file = folder.file(name);
    for (const auto& outcome : {log::check(options), log::open(options)}) {
      ASSERT_FALSE(outcome.has_value()) << name;
      EXPECT_THAT(outcome.error().message, HasSubstr("it is a symbolic link"));
    }
  }
  EXPECT_EQ(std::filesystem::file_size(folder.file("victim")), 6u);
  EXPECT_FALSE(std::filesystem::exists(folder.file("absent")));
}

TEST(Log, A37_NobodyElseMayReadIt) {
  Temporary folder;
  mode_t before = ::umask(0);
  config::Log options;
  options.file = folder.file("log");
  EXPECT_TRUE(log::open(options).has_value());
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(options.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  (void)log::open({});
}

TEST(Log, WhatIsNoFileIsRefused) {
  Temporary folder;
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  for (const std::string& name : {folder.file("pipe"), folder.file("")}) {
    config::Log options;
    options.file = name;
    EXPECT_FALSE(log::open(options).has_value()) << name;
    EXPECT_FALSE(log::check(options).has_value()) << name;
  }
}

TEST(Log, CheckMakesNothing) {
  Temporary folder;
  config::Log options;
  options.file = folder.file("log");
  EXPECT_TRUE(log::check(options).has_value());
  EXPECT_FALSE(std::filesystem::exists(options.file));
  options.file = folder.file("absent/log");
  auto outcome = log::check(options);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message,
              HasSubstr("its folder " + folder.file("absent") + ": No such file or directory"));
}

TEST(Log, A33_ASecretHasNoWayIn) {
  static_assert(!std::is_constructible_v<log::Field, std::string_view, const Secret&>);
  static_assert(!std::is_constructible_v<log::Field, std::string_view, Secret>);
}

}  // namespace
}  // namespace postigo
