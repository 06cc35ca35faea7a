// What records say of us, and of protocols that users need at the same place.
#include "config/check_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

class CheckTargets : public testing::Test {
 protected:
  CheckTargets() {
    live.hostname = "mail.test";
    live.listeners.resize(2);
    live.listeners[0].name = "imaps";
    live.listeners[0].addresses = {{"0.0.0.0", 993}};
    live.listeners[1].name = "local";
    live.listeners[1].addresses = {{"127.0.0.1", 1110}};
    live.backends.resize(1);
    live.backends[0].name = "all";
    live.backends[0].srv = {"_imaps._tcp.test", "_pop3s._tcp.test"};
    live.pools.resize(1);
    live.pools[0].shards = {{"all", 1.0, {"all"}}};
  }
  std::string told() const {
    std::string lines;
    for (const Problem& each : check_targets(live, expand(live, records))) {
      lines += (each.fatal ? "error " : "warning ") + each.key + ": " + each.message + "\n";
    }
    return lines;
  }

  Live live;
  SrvRecords records;
};

TEST_F(CheckTargets, T63_ATargetThatIsOurselves) {
  EXPECT_EQ(told(), "") << "nothing is known yet";
  records["_imaps._tcp.test"] = {{0, 0, 993, "mail.test"}, {0, 0, 993, "b.test"}};
  records["_pop3s._tcp.test"] = {{0, 0, 995, "mail.test"}, {0, 0, 1110, "localhost"}};
  EXPECT_EQ(
      told(),
      "error backend[0].srv: \"localhost:1110\" is our own listener \"local\": the proxy would connect to itself\n"
      "error backend[0].srv: \"mail.test:993\" is our own listener \"imaps\": the proxy would connect to itself\n");
  records["_imaps._tcp.test"] = {{0, 0, 1993, "mail.test"}};
  records["_pop3s._tcp.test"] = {{0, 0, 995, "mail.test"}};
  EXPECT_EQ(told(), "");
}

TEST_F(CheckTargets, WhomAffinityBindsNeedsBothProtocols) {
  records["_imaps._tcp.test"] = {{0, 0, 993, "a.test"}, {0, 0, 993, "b.test"}};
  records["_pop3s._tcp.test"] = {{0, 0, 995, "a.test"}};
  EXPECT_EQ(told(), "") << "without affinity another target serves POP3";
  live.pools[0].affinity = true;
  EXPECT_THAT(told(), HasSubstr("warning backend[0].srv: records have \"b.test\" without pop3"));
  EXPECT_THAT(told(), testing::Not(HasSubstr("a.test")));
  live.backends[0].srv.pop_back();
  EXPECT_EQ(told(), "") << "nobody wants POP3 there";
}

}  // namespace
}  // namespace postigo::config
