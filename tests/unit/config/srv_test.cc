// Backends by SRV records: what one [[backend]] becomes, in whichever pools and shards it stands.
#include "config/srv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::AllOf;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class SrvTest : public testing::Test {
 protected:
  SrvTest() {
    for (std::string name : {"mail", "old"}) {
      Backend& backend = live.backends.emplace_back();
      backend.name = name;
      backend.trusted = name == "mail";
    }
    live.backends[0].srv = {"_imap._tcp.test", "_pop3._tcp.test"};
    live.backends[1].host = "old.test";
    live.backends[1].ports["imap"] = 143;
    live.pools.resize(1);
    live.pools[0].shards = {{"mail", 2.0, {"mail"}}, {"old", 1.0, {"old"}}};
  }
  // "NAME=HOST:IMAP/POP3" each.
  std::vector<std::string> backends() const {
    std::vector<std::string> shown;
    for (const Backend& each : expand(live, records).live.backends) {
      shown.push_back(each.name + '=' + each.host + ':' + std::to_string(each.ports["imap"]) + '/' +
                      std::to_string(each.ports["pop3"]));
    }
    return shown;
  }
  std::vector<Shard> shards() const { return expand(live, records).live.pools[0].shards; }

  Live live;
  SrvRecords records;
};

auto is_shard(const std::string& name, double weight, const std::vector<std::string>& backends) {
  return AllOf(Field(&Shard::name, name), Field(&Shard::weight, DoubleEq(weight)), Field(&Shard::backends, backends));
}

TEST_F(SrvTest, EachTargetIsABackendOfTheSameSettings) {
  records["_imap._tcp.test"] = {{10, 0, 143, "a.test"}, {10, 0, 1143, "b.test"}};
  EXPECT_THAT(backends(), ElementsAre("mail/a.test=a.test:143/0", "mail/b.test=b.test:1143/0", "old=old.test:143/0"));
  Expanded all = expand(live, records);
  EXPECT_TRUE(all.live.backends[1].trusted);
  EXPECT_THAT(all.live.backends[1].srv, IsEmpty());
  EXPECT_THAT(all.written, ElementsAre(0, 0, 1));
}

TEST_F(SrvTest, AHostThatServesBothIsOneBackend) {
  records["_imap._tcp.test"] = {{10, 0, 143, "a.test"}, {10, 0, 143, "b.test"}};
  records["_pop3._tcp.test"] = {{10, 0, 110, "b.test"}, {10, 0, 110, "c.test"}};
  EXPECT_THAT(backends(), ElementsAre("mail/a.test=a.test:143/0", "mail/b.test=b.test:143/110",
                                      "mail/c.test=c.test:0/110", "old=old.test:143/0"));
}

TEST_F(SrvTest, AHostWithSeveralPortsIsSeveral) {
  records["_imap._tcp.test"] = {{10, 0, 1143, "a.test"}, {10, 0, 2143, "a.test"}};
  EXPECT_THAT(backends(),
              ElementsAre("mail/a.test:1143=a.test:1143/0", "mail/a.test:2143=a.test:2143/0", "old=old.test:143/0"));
}

TEST_F(SrvTest, WithoutRecordsItReachesNobodyAndStays) {
  EXPECT_THAT(backends(), ElementsAre("mail=_imap._tcp.test:143/110", "old=old.test:143/0"));
  EXPECT_THAT(shards(), ElementsAre(is_shard("mail", 2, {"mail"}), is_shard("old", 1, {"old"})));
}

TEST_F(SrvTest, InAPoolsListEachIsAShardWithItsShareOfTheWeight) {
  records["_imap._tcp.test"] = {{10, 30, 143, "a.test"}, {10, 10, 143, "b.test"}};
  EXPECT_THAT(shards(), ElementsAre(is_shard("mail/a.test", 3, {"mail/a.test"}),
                                    is_shard("mail/b.test", 1, {"mail/b.test"}), is_shard("old", 1, {"old"})));
}

// RFC 2782: where all have 0, all are equal; beside others 0 is a very small chance.
TEST_F(SrvTest, WeightsOfNothing) {
  records["_imap._tcp.test"] = {{10, 0, 143, "a.test"}, {10, 0, 143, "b.test"}};
  EXPECT_THAT(shards()[0], is_shard("mail/a.test", 2, {"mail/a.test"}));
  records["_imap._tcp.test"] = {{10, 0, 143, "a.test"}, {10, 999, 143, "b.test"}};
  EXPECT_THAT(shards()[0], is_shard("mail/a.test", 0.004, {"mail/a.test"}));
}

TEST_F(SrvTest, ThoseOfAHigherNumberStandBehindEach) {
  records["_imap._tcp.test"] = {{10, 1, 143, "b.test"}, {10, 1, 143, "c.test"}, {20, 9, 143, "a.test"}};
  EXPECT_THAT(shards(),
              ElementsAre(is_shard("mail/b.test", 2, {"mail/b.test", "mail/a.test"}),
                          is_shard("mail/c.test", 2, {"mail/c.test", "mail/a.test"}), is_shard("old", 1, {"old"})));
}

TEST_F(SrvTest, InAShardsListTheyStandInItsPlace) {
  live.pools[0].shards = {{"one", 1.0, {"old", "mail"}}};
  records["_imap._tcp.test"] = {{10, 0, 143, "b.test"}, {20, 0, 143, "a.test"}};
  EXPECT_THAT(shards(), ElementsAre(is_shard("one", 1, {"old", "mail/b.test", "mail/a.test"})));
}

TEST_F(SrvTest, NamesOfServices) {
  EXPECT_EQ(protocol_of_srv("_IMAP._tcp.example.com"), "imap");
  EXPECT_EQ(protocol_of_srv("_pop3s._tcp.example.com"), "pop3");
  for (std::string_view other : {"_imap._tcp.", "_imap._udp.test", "imap._tcp.test", "_submission._tcp.test", ""}) {
    EXPECT_EQ(protocol_of_srv(other), "") << other;
  }
  EXPECT_TRUE(srv_means_tls("_imaps._tcp.test"));
  EXPECT_FALSE(srv_means_tls("_imap._tcp.test"));
  EXPECT_THAT(srv_names(live), ElementsAre("_imap._tcp.test", "_pop3._tcp.test"));
}

}  // namespace
}  // namespace postigo::config
