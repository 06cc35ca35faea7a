// proxy/LOG.md tells the truth: its tables are those of the code. With POSTIGO_REWRITE_DOCS=1 it is brought up to date.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "proxy/base/events.h"
#include "proxy/base/log_fields.h"
#include "proxy/base/phase.h"
#include "proxy/base/refused.h"
#include "proxy/base/stats.h"

namespace postigo {
namespace {

const std::string kFile = std::string(POSTIGO_SOURCE_DIR) + "/proxy/LOG.md";

std::vector<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), {}};
}

std::string code(std::string_view word) { return "`" + std::string(word) + "`"; }

std::string events_table() {
  std::string text = "| event | level | what has happened | fields |\n|---|---|---|---|\n";
  for (const log::Event* event : events::kAll) {
    std::string fields;
    for (const std::string& field : words(event->fields)) fields += (fields.empty() ? "" : ", ") + code(field);
    text += "| " + code(event->name) + " | " + std::string(log::kLevelNames[static_cast<size_t>(event->level)]) +
            " | " + std::string(event->text) + " | " + fields + " |\n";
  }
  return text;
}

std::string fields_table() {
  std::string text = "| field | means |\n|---|---|\n";
  for (const log::FieldFacts& field : log::kFieldFacts)
    text += "| " + code(field.name) + " | " + std::string(field.text) + " |\n";
  return text;
}

std::string refused_table() {
  std::string text = "| reason | means | a guess | whose move | `result` in metrics |\n|---|---|---|---|---|\n";
  for (const RefusedFacts& facts : kRefusedFacts) {
    text += "| " + code(facts.name) + " | " + std::string(facts.text) + " | " + (facts.guess ? "yes" : "no") + " | " +
            std::string(facts.who) + " | " + code(kAuthResultNames[static_cast<size_t>(facts.result)]) + " |\n";
  }
  return text;
}

std::string ends_table() {
  std::string text = "| reason | side | means |\n|---|---|---|\n";
  for (const CloseReasonFacts& facts : kCloseReasonFacts) {
    text += "| " + code(facts.name) + " | " + std::string(facts.side) + " | " + std::string(facts.text) + " |\n";
  }
  return text;
}

std::string errors_table() {
  std::string text = "| error | means |\n|---|---|\n";
  for (const BackendErrorFacts& facts : kBackendErrorFacts) {
    text += "| " + code(facts.name) + " | " + std::string(facts.text) + " |\n";
  }
  return text;
}

TEST(LogDocs, TheTablesAreThoseOfTheCode) {
  std::ifstream in(kFile, std::ios::binary);
  ASSERT_TRUE(in);
  std::stringstream read;
  read << in.rdbuf();
  std::string page = read.str(), wanted = page;
  for (const auto& [name, table] : {std::pair{"events", events_table()},
                                    {"fields", fields_table()},
                                    {"refused", refused_table()},
                                    {"ends", ends_table()},
                                    {"errors", errors_table()}}) {
    std::string begin = std::string("<!-- ") + name + ": generated from the code -->\n";
    size_t from = wanted.find(begin), to = wanted.find("\n<!-- end -->", from);
    ASSERT_NE(from, std::string::npos) << name;
    ASSERT_NE(to, std::string::npos) << name;
    from += begin.size();
    wanted.replace(from, to + 1 - from, table);
  }
  if (std::getenv("POSTIGO_REWRITE_DOCS") != nullptr) {
    std::ofstream(kFile, std::ios::binary) << wanted;
    return;
  }
  EXPECT_EQ(page, wanted) << "run this test with POSTIGO_REWRITE_DOCS=1 to bring LOG.md up to date";
}

TEST(LogDocs, EveryFieldIsExplainedAndUsed) {
  std::set<std::string> explained, used;
  for (const log::FieldFacts& field : log::kFieldFacts) {
    EXPECT_TRUE(explained.insert(std::string(field.name)).second) << field.name << " twice";
  }
  for (const log::Event* event : events::kAll) {
    std::vector<std::string> fields = words(event->fields);
    used.insert(fields.begin(), fields.end());
    EXPECT_EQ(std::set<std::string>(fields.begin(), fields.end()).size(), fields.size()) << event->name;
  }
  EXPECT_EQ(explained, used);
}

TEST(LogDocs, NamesAreDistinctAndPlain) {
  std::set<std::string_view> seen;
  for (const log::Event* event : events::kAll) {
    EXPECT_TRUE(seen.insert(event->name).second) << event->name << " twice";
    EXPECT_EQ(event->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << event->name;
  }
  seen.clear();
  for (const RefusedFacts& facts : kRefusedFacts) EXPECT_TRUE(seen.insert(facts.name).second) << facts.name << " twice";
}

// An outage never looks like guessing: what is not the client's doing is no guess.
TEST(LogDocs, OnlyTheClientGuesses) {
  for (const RefusedFacts& facts : kRefusedFacts) {
    if (facts.guess) {
      EXPECT_EQ(facts.who, "client") << facts.name;
      EXPECT_EQ(facts.result, AuthResult::bad_credentials) << facts.name;
    }
    EXPECT_NE(facts.result, AuthResult::ok) << facts.name;
  }
}

}  // namespace
}  // namespace postigo
