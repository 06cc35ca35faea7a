// Addresses as people write and read them.
#include "proxy/net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace postigo {
namespace {

std::string text(const std::string& host, uint16_t port) {
  std::optional<Address> address = Address::parse(host, port);
  return address ? address->text() : "none";
}

TEST(Address, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(text("192.0.2.1", 993), "192.0.2.1:993");
  EXPECT_EQ(text("2001:db8::1", 143), "[2001:db8::1]:143");
  EXPECT_EQ(text("2001:0DB8:0:0::0001", 1), "[2001:db8::1]:1");
  EXPECT_EQ(text("::", 65535), "[::]:65535");
}

TEST(Address, NamesAndNonsenseAreNoAddresses) {
  for (std::string host : {"", "localhost", "192.0.2", "192.0.2.256", "1.2.3.4.5", "[::1]", ":::", "2001:db8::g",
                           "192.0.2.1 ", "192.0.2.1:25"}) {
    EXPECT_FALSE(Address::parse(host, 1).has_value()) << host;
  }
}

// A listener for both families sees IPv4 clients like this; logs, limits and backends must not.
TEST(Address, MappedIpv4ReadsAsIpv4) {
  EXPECT_EQ(Address::parse("::ffff:192.0.2.7", 110)->host(), "192.0.2.7");
  EXPECT_EQ(text("::ffff:192.0.2.7", 110), "192.0.2.7:110");
  EXPECT_EQ(Address::parse("::ffff:0:192.0.2.7", 110)->host(), "::ffff:0:c000:207") << "another prefix";
}

TEST(Address, ThePortCanBeChosenLater) {
  for (std::string host : {"192.0.2.1", "2001:db8::1"}) {
    std::optional<Address> address = Address::parse(host, 0);
    EXPECT_EQ(address->port(), 0);
    address->set_port(995);
    EXPECT_EQ(address->port(), 995);
    EXPECT_EQ(address->host(), host);
  }
}

TEST(Address, FromTheKernelsForm) {
  sockaddr_in6 kernel{};
  kernel.sin6_family = AF_INET6;
  kernel.sin6_port = htons(4190);
  kernel.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  EXPECT_EQ(Address(reinterpret_cast<sockaddr*>(&kernel)).text(), "[::1]:4190");
}

TEST(Address, NoAddressAtAll) {
  Address none;
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.port(), 0);
  none.set_port(5);
  EXPECT_EQ(none.text(), ":0");
}

}  // namespace
}  // namespace postigo
