// Durations, sizes and addresses: what people write, what they mistype, and back again.
#include "config/units.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postigo::config {
namespace {

using testing::HasSubstr;

TEST(Duration, Units) {
  EXPECT_EQ(parse_duration("250ms").value(), 250u);
  EXPECT_EQ(parse_duration("10s").value(), 10'000u);
  EXPECT_EQ(parse_duration("35m").value(), 2100'000u);
  EXPECT_EQ(parse_duration("12H").value(), 43200'000u);
  EXPECT_EQ(parse_duration("1d").value(), 86400'000u);
  EXPECT_EQ(parse_duration("0s").value(), 0u);
}

TEST(Duration, ABareNumberIsAskedForItsUnit) {
  EXPECT_THAT(parse_duration("10").error().message, HasSubstr("\"10s\", \"10m\""));
}

TEST(Duration, Nonsense) {
  for (const char* text :
       {"", "s", "-1s", "1.5s", "1 s", "10x", "10s ", "+1s", "18446744073709551615d", "99999999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, SurvivesFormatting) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    uint64_t ms = random() % (uint64_t{1} << (random() % 40));
    EXPECT_EQ(parse_duration(format_duration(ms)).value(), ms) << format_duration(ms);
  }
  EXPECT_EQ(format_duration(2100'000), "35m");
  EXPECT_EQ(format_duration(1500), "1500ms");
}

TEST(Size, UnitsAndFormatting) {
  EXPECT_EQ(parse_size("65536").value(), 65536u);
  EXPECT_EQ(parse_size("256k").value(), 262144u);
  EXPECT_EQ(parse_size("1M").value(), 1048576u);
  EXPECT_EQ(parse_size("2g").value(), uint64_t{2} << 30);
  EXPECT_FALSE(parse_size("1kb"));
  EXPECT_FALSE(parse_size(""));
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    uint64_t octets = random() % (uint64_t{1} << (random() % 41));
    EXPECT_EQ(parse_size(format_size(octets)).value_or(octets + 1), octets) << format_size(octets);
  }
}

TEST(Address, Shapes) {
  for (const char* text : {"192.0.2.1:993", "[2001:db8::1]:993", "localhost:143", "a-b.example.com:65535"}) {
    auto parsed = parse_endpoint(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(format_endpoint(*parsed), text);
  }
  EXPECT_EQ(parse_endpoint("[::]:993")->host, "::");
}

TEST(Address, MistakesAreExplained) {
  EXPECT_THAT(parse_endpoint("993").error().message, HasSubstr("\"0.0.0.0:993\""));
  EXPECT_THAT(parse_endpoint(":993").error().message, HasSubstr("\"[::]:993\""));
  EXPECT_THAT(parse_endpoint("*:993").error().message, HasSubstr("\"0.0.0.0:993\""));
  EXPECT_THAT(parse_endpoint("::1:993").error().message, HasSubstr("brackets"));
  EXPECT_THAT(parse_endpoint("h:0").error().message, HasSubstr("1 to 65535"));
  EXPECT_THAT(parse_endpoint("h:65536").error().message, HasSubstr("1 to 65535"));
  for (const char* text :
       {"", "h", "h:", "[::1]", "[h]:1", "256.1.1.1:1", "a b:1", "h:+1", "h:1 ", "[]:1", "[::1]x:1"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, ThePortMayBeLeftOutWhereOneIsUsual) {
  for (const char* text : {"192.0.2.53", "192.0.2.53:53"}) {
    auto parsed = parse_endpoint(text, 53);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(format_endpoint(*parsed), "192.0.2.53:53");
  }
  for (const char* text : {"2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:53"}) {
    auto parsed = parse_endpoint(text, 53);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(format_endpoint(*parsed), "[2001:db8::53]:53");
  }
  EXPECT_EQ(parse_endpoint("192.0.2.53:5353", 53)->port, 5353);
  for (const char* text : {"", "53", "[]", "a b", "192.0.2.53:"}) EXPECT_FALSE(parse_endpoint(text, 53)) << text;
}

TEST(Host, Kinds) {
  EXPECT_EQ(canonical_ip("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(canonical_ip("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_FALSE(canonical_ip("localhost"));
  EXPECT_FALSE(canonical_ip(std::string("1.2.3.4\0", 8)));
  EXPECT_TRUE(is_wildcard("0.0.0.0"));
  EXPECT_TRUE(is_wildcard("0:0::"));
  EXPECT_TRUE(is_loopback("127.3.2.1"));
  EXPECT_TRUE(is_loopback("LocalHost"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_TRUE(is_host_name("mail_1.example.com"));
  EXPECT_FALSE(is_host_name("-a.example"));
  EXPECT_FALSE(is_host_name("a..b"));
  EXPECT_FALSE(is_host_name("10.0.0.256"));
  EXPECT_FALSE(is_host_name(std::string(64, 'a')));
}

}  // namespace
}  // namespace postigo::config
