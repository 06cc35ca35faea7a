// Networks as people write them, at the edges of their masks (A27).
#include "config/network.h"

#include <gtest/gtest.h>

#include <string>

namespace postigo::config {
namespace {

AnyAddress address(const std::string& text) { return parse_network(text)->address; }
bool in(const std::string& network, const std::string& host) { return parse_network(network)->contains(address(host)); }

TEST(Network, InsideAndOutside) {
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_FALSE(in("10.0.0.0/8", "9.255.255.255"));
  EXPECT_TRUE(in("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(in("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(in("192.0.2.1/32", "192.0.2.2"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(in("::1", "::2"));
}

TEST(Network, A27_FamiliesMeetOnlyWhereTheKernelMapsThem) {
  EXPECT_TRUE(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(in("0.0.0.0/0", "192.0.2.1"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_FALSE(in("10.0.0.0/8", "a00::1"));
  EXPECT_TRUE(in("::/0", "2001:db8::1"));
}

TEST(Network, A27_WhatIsNone) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8", "10/8",
                           "::/129", "localhost", "10.0.0.1/8", "2001:db8::1/64", "0.0.0.1/0", "10.0.0.0/8/8",
                           "010.0.0.0/8", " 10.0.0.0/8", "[::1]"}) {
    EXPECT_FALSE(parse_network(text).has_value()) << text;
  }
}

TEST(Network, Several) {
  const Network both[] = {*parse_network("10.0.0.0/8"), *parse_network("::1")};
  EXPECT_TRUE(any_contains(both, address("::1")));
  EXPECT_TRUE(any_contains(both, address("10.0.0.1")));
  EXPECT_FALSE(any_contains(both, address("127.0.0.1")));
  EXPECT_FALSE(any_contains({}, address("127.0.0.1")));
}

}  // namespace
}  // namespace postigo::config
