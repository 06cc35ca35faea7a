// What is kept of the log for a page: warnings and errors, the newest first, and never more than so many.
#include "proxy/base/log_newest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proxy/base/events.h"

namespace postigo::log {
namespace {

using testing::HasSubstr;

struct LogNewestTest : testing::Test {
  LogNewestTest() { EXPECT_TRUE(open({}).has_value()); }  // whatever was open before
};

TEST_F(LogNewestTest, TheNewestFirstAndBounded) {
  for (size_t i = 0; i < 2 * kNewestMost; ++i) write(events::api_stranger, {{"client", std::to_string(i)}});
  auto lines = newest(1000);
  ASSERT_EQ(lines.size(), kNewestMost);
  EXPECT_EQ(lines.front().detail, "client=" + std::to_string(2 * kNewestMost - 1));
  EXPECT_EQ(lines.back().detail, "client=" + std::to_string(kNewestMost));
  EXPECT_EQ(lines.front().event, "api_stranger");
  EXPECT_EQ(lines.front().level, Level::warning);
  EXPECT_GT(lines.front().at_s, 1.7e9);
  EXPECT_EQ(newest(3).size(), 3U);
  EXPECT_TRUE(newest(0).empty());
}

TEST_F(LogNewestTest, OnlyWhatIsWrong) {
  write(events::api_stranger, {{"client", "before"}});
  write(events::log_reopened);
  EXPECT_EQ(newest(1).front().detail, "client=before");
}

TEST_F(LogNewestTest, LongLinesAreCutAndForgeNothing) {
  std::string long_one;
  for (int i = 0; i < 1000; ++i) long_one += "é\n";
  write(events::api_stranger, {{"client", long_one}});
  std::string detail = newest(1).front().detail;
  EXPECT_LE(detail.size(), kNewestOctets + 3);
  EXPECT_THAT(detail, testing::Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace postigo::log
