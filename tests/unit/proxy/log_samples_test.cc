// Of which sessions only some leave their lines: the first rule that matches, and the same answer for an id each time.
#include "proxy/log_samples.h"

#include <gtest/gtest.h>

#include "parser/base/ascii.h"
#include "proxy/session/summary.h"
#include "tests/unit/proxy/log_file.h"

namespace postigo {
namespace {

config::AnyAddress at(const char* text) { return config::parse_network(text)->address; }

LogSamples samples_of(std::vector<config::LogSample> rules) {
  config::Log options;
  options.samples = std::move(rules);
  return log_samples(options);
}

TEST(LogSamples, TheFirstRuleThatMatchesDecides) {
  const LogSamples samples = samples_of({{"pop3s", "", {}, 0.5},
                                         {"", "probe@example.com", {}, 0},
                                         {"", "*@example.org", {"10.0.0.0/8", "2001:db8::/32"}, 0.1},
                                         {"imaps", "*", {}, 0.9}});
  EXPECT_EQ(share_of(samples, "pop3s", "probe@example.com", at("10.0.0.1")), 0.5);
  EXPECT_EQ(share_of(samples, "imap", "probe@example.com", at("10.0.0.1")), 0);
  EXPECT_EQ(share_of(samples, "imap", "ann@example.org", at("10.0.0.1")), 0.1);
  EXPECT_EQ(share_of(samples, "imap", "ann@example.org", at("2001:db8::1")), 0.1);
  EXPECT_EQ(share_of(samples, "imap", "ann@example.org", at("192.0.2.1")), 1);
  EXPECT_EQ(share_of(samples, "imap", "ann@xexample.org", at("10.0.0.1")), 1);
  EXPECT_EQ(share_of(samples, "imaps", "ann@example.org", at("192.0.2.1")), 0.9);
  EXPECT_EQ(share_of({}, "imaps", "ann@example.org", at("192.0.2.1")), 1);
}

// Ids count upwards.
TEST(LogSamples, AShareOfManyIsKept) {
  unsigned kept = 0, more = 0;
  for (uint64_t n = 0; n < 100'000; ++n) {
    const std::string id = hex(0x00c0ffee00000000 + n, 16);
    const bool few = is_kept(id, 0.01), many = is_kept(id, 0.1);
    EXPECT_EQ(few, is_kept(id, 0.01));
    EXPECT_TRUE(!few || many) << "who is among the few is among the many";
    kept += few ? 1 : 0;
    more += many ? 1 : 0;
    ASSERT_TRUE(is_kept(id, 1));
    ASSERT_FALSE(is_kept(id, 0));
  }
  EXPECT_NEAR(kept, 1000, 200);
  EXPECT_NEAR(more, 10'000, 700);
}

Summary session(const char* user) {
  Summary s;
  s.id = SessionId("00c0ffee00c0ffee");
  s.protocol = "imap";
  s.listener = "imaps";
  s.user = user;
  s.authenticated = true;
  return s;
}

TEST(LogSamples, ALineSaysOfHowManyItIs) {
  LogFile file(config::Log::Format::json, config::Log::Level::info);
  Summary s = session("ann");
  sample(s, samples_of({{"", "", {}, 0.999}}));
  ASSERT_FALSE(s.left_out) << "by its id";
  write(s);
  EXPECT_NE(file.text().find("\"keep\":0.999"), std::string::npos) << file.text();
}

TEST(LogSamples, WhoHadARefusalIsLoggedWhole) {
  LogFile file(config::Log::Format::text, config::Log::Level::info);
  const LogSamples none = samples_of({{"", "", {}, 0}});
  const uint64_t before = log::counts().left_out;
  Summary quiet = session("quiet"), guesser = session("guesser");
  guesser.refused = 1;
  for (Summary* s : {&quiet, &guesser}) {
    sample(*s, none);
    write(*s);
  }
  EXPECT_EQ(file.lines().size(), 1u) << file.text();
  EXPECT_NE(file.text().find("user=guesser"), std::string::npos);
  EXPECT_EQ(log::counts().left_out, before + 1);
}

TEST(LogSamples, AtLevelDebugAllAreLogged) {
  LogFile file(config::Log::Format::text, config::Log::Level::debug);
  Summary s = session("quiet");
  sample(s, samples_of({{"", "", {}, 0}}));
  EXPECT_FALSE(s.left_out);
}

}  // namespace
}  // namespace postigo
