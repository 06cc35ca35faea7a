// An outage is two lines, however many logins it fails and from however many workers.
#include "proxy/session/outage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "proxy/base/events.h"
#include "tests/unit/proxy/log_file.h"

namespace postigo {
namespace {

using testing::ElementsAre;

class OutageTest : public testing::Test {
 protected:
  void fail(uint64_t now_ms, int64_t id = 1) { outage.failed(now_ms, {{"id", id}, {"error", "connect"}}); }
  std::vector<std::string> said() const {
    std::vector<std::string> lines;
    for (const std::string& line : file.lines()) lines.push_back(line.substr(line.find(' ') + 1));
    return lines;
  }
  LogFile file;
  Outage outage{events::backend_away, events::backend_back, "b1"};
};

TEST_F(OutageTest, OneLineEach) {
  outage.served(500);
  fail(1000, 7);
  for (uint64_t i = 1; i < 500; ++i) fail(1000 + 10 * i);
  outage.served(61'000);
  outage.served(61'001);
  EXPECT_THAT(said(), ElementsAre("warning backend_away id=7 error=connect",
                                  "warning backend_back backend=b1 failed_logins=500 seconds=60.000"));
}

TEST_F(OutageTest, FailingAndServingByTurnsIsTwoLinesInTenSeconds) {
  for (uint64_t now_ms = 0; now_ms < 30'000; now_ms += 100) {
    fail(now_ms);
    outage.served(now_ms + 50);
  }
  EXPECT_THAT(said().size(), testing::AllOf(testing::Ge(5u), testing::Le(6u))) << testing::PrintToString(said());
}

// What was too soon to be told is in the next count.
TEST_F(OutageTest, NothingIsLost) {
  fail(0);
  outage.served(1000);
  fail(2000);  // within the calm time: no line
  outage.served(3000);
  fail(4000);
  fail(1000 + Outage::kCalmMs);  // still away
  outage.served(13'000);
  EXPECT_THAT(said(), ElementsAre("warning backend_away id=1 error=connect",
                                  "warning backend_back backend=b1 failed_logins=1 seconds=1.000",
                                  "warning backend_away id=1 error=connect",
                                  "warning backend_back backend=b1 failed_logins=3 seconds=11.000"));
}

TEST_F(OutageTest, ClocksOfTwoWorkersMayDifferALittle) {
  fail(1000);
  outage.served(999);
  EXPECT_EQ(said().back(), "warning backend_back backend=b1 failed_logins=1 seconds=0.000");
  fail(0);
  EXPECT_EQ(said().size(), 2u);
}

TEST_F(OutageTest, TheDirectoriesHaveNoName) {
  Outage directories(events::directory_away, events::directory_back, "");
  directories.failed(0, {{"id", "1"}, {"detail", "locked"}});
  directories.served(2000);
  EXPECT_THAT(said(), ElementsAre("warning directory_away id=1 detail=locked",
                                  "warning directory_back failed_logins=1 seconds=2.000"));
}

TEST_F(OutageTest, ManyWorkers) {
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([this] {
      for (uint64_t i = 0; i < 1000; ++i) fail(1000 + i);
    });
  }
  for (std::thread& worker : workers) worker.join();
  outage.served(3000);
  EXPECT_THAT(said(), ElementsAre("warning backend_away id=1 error=connect",
                                  "warning backend_back backend=b1 failed_logins=4000 seconds=2.000"));
}

}  // namespace
}  // namespace postigo
