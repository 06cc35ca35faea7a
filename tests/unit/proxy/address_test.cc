// Addresses as people write and read them.
#include "proxy/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>

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
  EXPECT_EQ(text("2001:db8:1111:2222:3333:4444:5555:6666", 65535), "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
  EXPECT_EQ(text("255.255.255.255", 65535), "255.255.255.255:65535");
  EXPECT_EQ(text("0.0.0.0", 0), "0.0.0.0:0");
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

std::string library_text(const in6_addr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &address, text.data(), text.size());
  std::string host(text.data());
  bool mapped = host.starts_with("::ffff:") && host.find('.') != std::string::npos;
  return mapped ? host.substr(7) : host;
}

// Of what the library writes nothing is written otherwise: every pattern of words that are zero, and much by chance.
TEST(Address, WritesIpv6AsTheLibraryDoes) {
  std::mt19937 random(1);
  for (unsigned pattern = 0; pattern < 256; ++pattern) {
    for (uint32_t mask : {0xffffU, 0xffU, 0xf00fU, 1U}) {
      std::array<uint8_t, 16> octets{};
      for (size_t i = 0; i < 8; ++i) {
        const auto word = static_cast<uint32_t>((pattern >> i & 1) != 0 ? random() & mask : 0);
        octets[2 * i] = static_cast<uint8_t>(word >> 8);
        octets[2 * i + 1] = static_cast<uint8_t>(word);
      }
      for (int i : {0, 1}) {
        if (i == 1) octets[10] = octets[11] = 0xff;
        in6_addr kernel{};
        std::copy(octets.begin(), octets.end(), kernel.s6_addr);
        const Address address = Address::of(octets, false, static_cast<uint16_t>(random()));
        ASSERT_EQ(address.host(), library_text(kernel));
      }
    }
  }
}

TEST(Address, WritesIpv4AsTheLibraryDoes) {
  std::mt19937 random(1);
  for (uint32_t i = 0; i < 1'000; ++i) {
    const in_addr kernel{i < 256 ? htonl(i * 0x01010101U) : static_cast<uint32_t>(random())};
    std::array<uint8_t, 16> octets{};
    std::memcpy(octets.data(), &kernel, sizeof(kernel));
    const auto port = static_cast<uint16_t>(random() >> (i % 16));
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &kernel, text.data(), text.size());
    ASSERT_EQ(Address::of(octets, true, port).text(), text.data() + (":" + std::to_string(port)));
  }
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
