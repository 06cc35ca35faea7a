// Where the log goes: what contradicts itself, or what the journal and syslog cannot be told.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

class CheckLogTest : public ConfigTest {
 protected:
  std::string log(const std::string& more) { return problems_of_small_and("[log]\n" + more); }
};

TEST_F(CheckLogTest, ItIsRead) {
  Loaded loaded = small_and(
      "[log]\nformat = \"logfmt\"\ntarget = \"syslog\"\nidentifier = \"door\"\nfacility = \"local3\"\n"
      "syslog_server = \"udp:[2001:db8::1]\"\nstructured_data = \"\"\n");
  ASSERT_EQ(joined(loaded), "");
  const Log& x = loaded.config.live.log;
  EXPECT_EQ(x.format, Log::Format::logfmt);
  EXPECT_EQ(x.target, Log::Target::syslog);
  EXPECT_EQ(x.identifier, "door");
  EXPECT_EQ(x.facility, 19u);
  EXPECT_EQ(x.syslog_server, "udp:[2001:db8::1]");
  EXPECT_EQ(log("target = \"journal\"\njournal_socket = \"/run/j\"\n"), "");
}

TEST_F(CheckLogTest, LinesGoToOnePlace) {
  EXPECT_THAT(log("target = \"journal\"\nfile = \"a.log\"\n"), HasSubstr("p.toml:14:8: log.file: goes with target"));
  EXPECT_THAT(log("target = \"syslog\"\nfile = \"a.log\"\n"), HasSubstr("lines go to one place"));
  EXPECT_THAT(log("target = \"jornal\"\n"), HasSubstr("did you mean \"journal\""));
}

TEST_F(CheckLogTest, WhatTheTargetDoesNotKnow) {
  EXPECT_THAT(log("identifier = \"door\"\n"),
              HasSubstr("p.toml:13:14: warning: log.identifier: has no effect without target"));
  EXPECT_THAT(log("facility = \"daemon\"\n"), HasSubstr("log.facility: has no effect"));
  EXPECT_THAT(log("target = \"journal\"\nsyslog_server = \"/x\"\n"), HasSubstr("log.syslog_server: has no effect"));
  EXPECT_THAT(log("target = \"journal\"\nstructured_data = \"\"\n"), HasSubstr("log.structured_data: has no effect"));
  EXPECT_THAT(log("target = \"syslog\"\njournal_socket = \"/x\"\n"), HasSubstr("log.journal_socket: has no effect"));
  EXPECT_THAT(log("target = \"syslog\"\npriorities = \"always\"\n"), HasSubstr("log.priorities: has no effect"));
}

// What stands between blanks, brackets and quotes of a syslog line must not have them itself.
TEST_F(CheckLogTest, WordsOfSyslog) {
  const std::string syslog = "target = \"syslog\"\n";
  for (const char* name :
       {"", "two words", "p\u00f6stigo", "x\\n", "a234567890123456789012345678901234567890123456789"}) {
    EXPECT_THAT(log(syslog + "identifier = \"" + name + "\"\n"), HasSubstr("log.identifier: ")) << name;
  }
  for (const char* id : {"postigo", "@1", "postigo@", "postigo@x", "a b@1", "a]@1", "a=@1", "a\\\"@1",
                         "a2345678901234567890123456789012@1"}) {
    EXPECT_THAT(log(syslog + "structured_data = \"" + id + "\"\n"), HasSubstr("log.structured_data: ")) << id;
  }
  EXPECT_EQ(log(syslog + "structured_data = \"door@1.2\"\n"), "");
}

TEST_F(CheckLogTest, AServerIsAPathOrAnAddress) {
  const std::string syslog = "target = \"syslog\"\nsyslog_server = ";
  EXPECT_THAT(log(syslog + "\"logs.example.com\"\n"),
              HasSubstr("p.toml:14:17: log.syslog_server: \"logs.example.com\""));
  EXPECT_THAT(log(syslog + "\"udp:logs.example.com:514\"\n"), HasSubstr("is a name: write its address"));
  EXPECT_THAT(log(syslog + "\"udp:192.0.2.1:x\"\n"), HasSubstr("log.syslog_server: "));
  EXPECT_THAT(log(syslog + "\"dev/log\"\n"), HasSubstr("is neither a path"));
  EXPECT_EQ(log(syslog + "\"udp:192.0.2.1\"\n"), "");
}

TEST_F(CheckLogTest, Samples) {
  const std::string rule = "[[log.sample]]\n";
  Loaded loaded =
      small_and(rule + "listener = \"imaps\"\nuser = \"*@Example.ORG\"\nnetworks = [\"10.0.0.0/8\"]\nkeep = 0.01\n" +
                rule + "keep = 0\n");
  ASSERT_EQ(joined(loaded), "");
  const std::vector<LogSample>& samples = loaded.config.live.log.samples;
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0], (LogSample{"imaps", "*@example.org", {"10.0.0.0/8"}, 0.01}));
  EXPECT_EQ(samples[1].keep, 0);
  auto told = [&](const std::string& keys) { return problems_of_small_and(rule + keys); };
  EXPECT_THAT(told("user = \"*\"\n"), HasSubstr("p.toml:12:1: log.sample: keep must be set"));
  EXPECT_THAT(told("keep = 1.5\n"), HasSubstr("p.toml:13:8: log.sample.keep: must be a share from 0.001 to 1"));
  EXPECT_THAT(told("keep = 0.0005\n"), HasSubstr("log.sample.keep: must be a share"));
  EXPECT_THAT(told("keep = 0.5\nuser = \"a*\"\n"), HasSubstr("log.sample.user: \"a*\" is neither a name"));
  EXPECT_THAT(told("keep = 0.5\nlistener = \"imap\"\n"),
              HasSubstr("log.sample.listener: there is no listener \"imap\""));
  EXPECT_THAT(told("keep = 0.5\nnetworks = [\"10.0.0.1/8\"]\n"), HasSubstr("log.sample.networks"));
  EXPECT_THAT(told("keep = 0.5\n" + rule + "user = \"ann\"\nkeep = 1\n"),
              HasSubstr("p.toml:14:1: warning: log.sample: is never reached: sample 1"));
}

}  // namespace
}  // namespace postigo::config
