// PROXY headers, row by row of HAProxy's proxy-protocol.txt, at every split, and both ways (A27).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "parser/proxy_protocol/header.h"
#include "parser/proxy_protocol/wire.h"

namespace postigo::proxy_protocol {
namespace {

using State = Parsed::State;

Endpoint v4(uint8_t last, uint16_t port) { return {{192, 0, 2, last}, port}; }
Endpoint v6(uint8_t last, uint16_t port) {
  Endpoint endpoint{{0x20, 0x01, 0x0d, 0xb8}, port};
  endpoint.address[15] = last;
  return endpoint;
}

std::string big(size_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 255)}; }
std::string tlv(int type, const std::string& value) { return static_cast<char>(type) + big(value.size()) + value; }
std::string v2(int command, int family, const std::string& body) {
  return std::string(kSignature) + static_cast<char>(command) + static_cast<char>(family) + big(body.size()) + body;
}
const std::string kAddresses4{"\xc0\x00\x02\x01\xc0\x00\x02\x02\x9c\x41\x03\xe1", 12};  // .1:40001 to .2:993
std::string tcp4(const std::string& tlvs) { return v2(0x21, 0x11, kAddresses4 + tlvs); }

// The same however it comes: more until the last octet, then done, whatever follows.
Header whole(const std::string& text) {
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parse(Bytes(text).substr(0, size)).state, State::more) << size << " of " << text;
  }
  Parsed result = parse(text + "* a1 NOOP\r\n");
  EXPECT_EQ(result.state, State::done) << text << ": " << result.why;
  EXPECT_EQ(result.consumed, text.size());
  EXPECT_EQ(parse(text).header, result.header);
  return result.header;
}

// Bad at the latest when it is whole, and at no split done.
void expect_bad(const std::string& text, const std::string& why) {
  for (size_t size = 0; size < text.size(); ++size) {
    State state = parse(Bytes(text).substr(0, size)).state;
    EXPECT_TRUE(state == State::more || state == State::bad) << size << " of " << text;
  }
  Parsed result = parse(text);
  EXPECT_EQ(result.state, State::bad) << text;
  EXPECT_EQ(result.why, why) << text;
}

TEST(ProxyProtocolV1, Tcp4) {
  Header header = whole("PROXY TCP4 192.0.2.1 192.0.2.2 40001 993\r\n");
  EXPECT_EQ(header.family, Header::Family::ipv4);
  EXPECT_EQ(header.source, v4(1, 40001));
  EXPECT_EQ(header.destination, v4(2, 993));
  EXPECT_FALSE(header.local);
}

TEST(ProxyProtocolV1, TheLongestLinesOfTheSpecification) {
  EXPECT_EQ(whole("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n").source.port, 65535);
  std::string most = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  std::string line = "PROXY TCP6 " + most + " " + most + " 65535 65535\r\n";
  EXPECT_EQ(whole(line).family, Header::Family::ipv6);
  std::string unknown = "PROXY UNKNOWN " + most + " " + most + " 65535 65535\r\n";
  EXPECT_EQ(unknown.size(), kV1Max);
  EXPECT_EQ(whole(unknown).family, Header::Family::none);
}

TEST(ProxyProtocolV1, Tcp6AndUnknown) {
  Header header = whole("PROXY TCP6 2001:db8::1 2001:db8::2 0 993\r\n");
  EXPECT_EQ(header.source, v6(1, 0));
  EXPECT_EQ(header.destination, v6(2, 993));
  EXPECT_EQ(whole("PROXY UNKNOWN\r\n").family, Header::Family::none);
  EXPECT_EQ(whole("PROXY UNKNOWN whatever 1 2 3\r\n").family, Header::Family::none);
}

TEST(ProxyProtocolV1, A27_WhatCouldMeanSomethingElse) {
  const std::string kNoAddresses = "not two addresses and two ports";
  for (const char* line :
       {"PROXY TCP4 192.0.2.1 192.0.2.2 40001\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 40001 993 \r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 40001 993\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 40001 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 993\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 993\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 040001 993\r\n", "PROXY TCP4 192.0.2.01 192.0.2.2 40001 993\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 40001 993\r\n", "PROXY TCP4 192.0.2.1.5 192.0.2.2 40001 993\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 40001 993\r\n", "PROXY TCP4 ::1 ::1 40001 993\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 40001 993\r\n", "PROXY TCP6 fe80::1%lo ::1 40001 993\r\n", "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n", "PROXY TCP4 localhost localhost 1 2\r\n", "PROXY TCP4 192.0.2.1\n192.0.2.2 40001 993\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 40001 993\r\r\n"}) {
    expect_bad(line, kNoAddresses);
  }
  std::string with_nul = "PROXY TCP4 192.0.2.1x 192.0.2.2 40001 993\r\n";
  with_nul[with_nul.find('x')] = '\0';
  expect_bad(with_nul, kNoAddresses);
  for (const char* line : {"PROXY \r\n", "PROXY TCP5 1 2 3 4\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 40001 993\r\n",
                           "PROXY UNKNOWNS\r\n", "PROXY  TCP4 192.0.2.1 192.0.2.2 40001 993\r\n"}) {
    expect_bad(line, "neither TCP4, TCP6 nor UNKNOWN");
  }
}

TEST(ProxyProtocolV1, A27_ALineWithoutEndIsBounded) {
  expect_bad("PROXY UNKNOWN " + std::string(kV1Max - 14, 'x'), "the line is too long");
  expect_bad("PROXY UNKNOWN " + std::string(kV1Max - 15, 'x') + "\r\n", "the line is too long");
}

TEST(ProxyProtocol, WhatIsNone) {
  for (const char* text :
       {"a1 NOOP\r\n", "PROXYx", "proxy TCP4", "\x16\x03\x01", "\r\n\r\na", "\r\nQ", "GET / HTTP/1.1"}) {
    EXPECT_EQ(parse(text).state, State::absent) << text;
  }
  EXPECT_EQ(parse("").state, State::more);
  EXPECT_EQ(parse("P").state, State::more);
  EXPECT_EQ(parse("\r\n").state, State::more);
}

TEST(ProxyProtocolV2, Tcp4AndTcp6) {
  Header header = whole(tcp4(""));
  EXPECT_EQ(header.family, Header::Family::ipv4);
  EXPECT_EQ(header.source, v4(1, 40001));
  EXPECT_EQ(header.destination, v4(2, 993));
  Header six;
  six.family = Header::Family::ipv6;
  six.source = v6(1, 40001);
  six.destination = v6(2, 993);
  std::string address(reinterpret_cast<const char*>(six.source.address.data()), 16);
  std::string other(reinterpret_cast<const char*>(six.destination.address.data()), 16);
  EXPECT_EQ(whole(v2(0x21, 0x21, address + other + big(40001) + big(993))), six);
}

TEST(ProxyProtocolV2, A27_FamiliesThatTellNoAddressOfOurs) {
  for (int family : {0x00, 0x12, 0x22, 0x31, 0x32}) {
    size_t size = family == 0 ? 0 : family == 0x12 ? 12 : family == 0x22 ? 36 : 216;
    Header header = whole(v2(0x21, family, std::string(size, 'x') + tlv(5, "id")));
    EXPECT_EQ(header.family, Header::Family::none) << family;
    EXPECT_EQ(header.unique_id, "id") << family;
    EXPECT_EQ(header.source, Endpoint()) << family;
    if (size > 0) expect_bad(v2(0x21, family, std::string(size - 1, 'x')), "too short for its addresses");
  }
}

TEST(ProxyProtocolV2, A27_LocalIgnoresTheRest) {
  for (const std::string& body : {std::string(), kAddresses4, std::string("\x02\xff\xff"), std::string(4096, 'x')}) {
    Header header = whole(v2(0x20, 0x7f, body));
    EXPECT_TRUE(header.local);
    EXPECT_EQ(header.family, Header::Family::none);
    EXPECT_EQ(header.authority, "");
  }
}

TEST(ProxyProtocolV2, A27_UnknownVersionsCommandsAndFamilies) {
  expect_bad(v2(0x11, 0x11, kAddresses4), "neither version 1 nor 2");
  expect_bad(v2(0x31, 0x11, kAddresses4), "neither version 1 nor 2");
  expect_bad(v2(0x22, 0x11, kAddresses4), "neither LOCAL nor PROXY");
  for (int family : {0x01, 0x10, 0x13, 0x20, 0x30, 0x41, 0xff}) {
    expect_bad(v2(0x21, family, std::string(216, 'x')), "an unknown family or transport");
  }
}

TEST(ProxyProtocolV2, A27_LengthsThatLie) {
  expect_bad(v2(0x21, 0x11, kAddresses4.substr(1)), "too short for its addresses");
  expect_bad(v2(0x21, 0x21, kAddresses4), "too short for its addresses");
  expect_bad(v2(0x21, 0x11, std::string(kV2BodyMax + 1, 'x')), "the header is too long");
  whole(tcp4(tlv(4, std::string(kV2BodyMax - 15, '\0'))));
  for (const std::string& rest : {std::string("\x02"), std::string("\x02\x00", 2), std::string("\x02\x00\x02x", 4),
                                  std::string("\x02\xff\xff", 3), tlv(2, "name") + "\x05"}) {
    expect_bad(tcp4(rest), "a TLV is longer than the header");
  }
}

TEST(ProxyProtocolV2, Tlvs) {
  Header header = whole(tcp4(tlv(1, "imap") + tlv(2, "mail.example.com") + tlv(4, "padding") + tlv(5, "id 1") +
                             tlv(0x30, "netns") + tlv(0xea, "vendor") + tlv(2, "")));
  EXPECT_EQ(header.alpn, "imap");
  EXPECT_EQ(header.authority, "");  // the last one counts
  EXPECT_EQ(header.unique_id, "id 1");
  EXPECT_FALSE(header.ssl.has_value());
  whole(tcp4(tlv(5, std::string(128, 'x'))));
  expect_bad(tcp4(tlv(5, std::string(129, 'x'))), "UNIQUE_ID is longer than 128 octets");
}

TEST(ProxyProtocolV2, A27_AnAlpnThatIsNoNameIsNotThere) {
  EXPECT_EQ(whole(tcp4(tlv(1, "http/1.1"))).alpn, "http/1.1");
  EXPECT_EQ(whole(tcp4(tlv(1, " ~"))).alpn, " ~");
  EXPECT_EQ(whole(tcp4(tlv(1, std::string(255, 'x')))).alpn, std::string(255, 'x'));
  EXPECT_EQ(whole(tcp4(tlv(1, "imap") + tlv(1, "pop3"))).alpn, "pop3");
  for (const std::string& bad :
       {std::string(), std::string(256, 'x'), std::string("im\0p", 4), std::string("imap\r\n"), std::string("im\tap"),
        std::string("imap\x7f"), std::string("\x1b[2J"), std::string("\xc3\xa4"), std::string("\x0a\x0a", 2)}) {
    Header header = whole(tcp4(tlv(1, "imap") + tlv(1, bad) + tlv(5, "id")));
    EXPECT_EQ(header.alpn, "") << bad;  // the last one counts
    EXPECT_EQ(header.unique_id, "id") << "the rest is good: " << bad;
  }
}

TEST(ProxyProtocolV2, Ssl) {
  std::string inner = tlv(0x21, "TLSv1.3") + tlv(0x22, "ann") + tlv(0x23, "AES") + tlv(0x77, "?");
  Header header = whole(tcp4(tlv(0x20, std::string("\x03\0\0\0\0", 5) + inner)));
  ASSERT_TRUE(header.ssl.has_value());
  EXPECT_EQ(*header.ssl, (Ssl{true, true, true, "TLSv1.3", "AES", "ann"}));
  EXPECT_EQ(*whole(tcp4(tlv(0x20, std::string("\x05\0\0\0\x12", 5) + inner))).ssl,
            (Ssl{true, true, false, "TLSv1.3", "AES", "ann"}));
  // "Verified" means nothing where there was no certificate.
  EXPECT_EQ(*whole(tcp4(tlv(0x20, std::string("\x01\0\0\0\0", 5)))).ssl, (Ssl{true, false, false, "", "", ""}));
  EXPECT_EQ(*whole(tcp4(tlv(0x20, std::string("\0\0\0\0\0", 5)))).ssl, Ssl());
}

TEST(ProxyProtocolV2, A27_SslThatIsTooShort) {
  expect_bad(tcp4(tlv(0x20, std::string("\x01\0\0\0", 4))), "SSL is too short");
  std::string head("\x01\0\0\0\0", 5);
  for (const std::string& rest : {std::string("\x21"), std::string("\x21\0\x08TLSv1.3", 10)}) {
    expect_bad(tcp4(tlv(0x20, head + rest) + tlv(4, std::string(100, 'x'))), "a TLV in SSL is longer than SSL");
  }
}

TEST(ProxyProtocolV2, Crc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // RFC 3720 B.4's polynomial, its usual check value
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
  std::string text = tcp4(tlv(2, "name") + tlv(3, std::string(4, '\0')) + tlv(5, "id"));
  uint32_t sum = crc32c(text);
  size_t at = 16 + 12 + 7 + 3;
  for (size_t i = 0; i < 4; ++i) text[at + i] = static_cast<char>(sum >> (24 - 8 * i) & 255);
  EXPECT_EQ(whole(text).authority, "name");
  for (size_t i = 16; i < text.size(); ++i) {  // whichever octet of addresses and names is changed
    if ((i >= 28 && i < 31) || (i >= 35 && i < 38) || (i >= 42 && i < 45)) continue;  // types and lengths
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_EQ(parse(changed).state, State::bad) << i;
  }
  expect_bad(tcp4(tlv(3, "123")), "CRC32C has not four octets");
}

TEST(ProxyProtocolEncode, WhatIsWrittenIsReadBack) {
  for (auto family : {Header::Family::none, Header::Family::ipv4, Header::Family::ipv6}) {
    Header header;
    header.family = family;
    if (family != Header::Family::none) {
      header.source = family == Header::Family::ipv4 ? v4(1, 40001) : v6(1, 40001);
      header.destination = family == Header::Family::ipv4 ? v4(2, 993) : v6(2, 993);
    }
    EXPECT_EQ(whole(encode_v1(header)), header);
    EXPECT_EQ(whole(encode_v2(header)), header);
    header.authority = "mail.example.com";
    header.unique_id = "00c0ffee00c0ffee";
    header.alpn = "imap";
    header.ssl = Ssl{true, true, true, "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "ann"};
    header.hops_left = 4;
    EXPECT_EQ(whole(encode_v2(header)), header);
    header.ssl = Ssl{true, false, false, "TLSv1.3", "", ""};
    EXPECT_EQ(whole(encode_v2(header)), header);
  }
}

TEST(ProxyProtocolV2, T63_HopsOfOthersAreNotOurs) {
  EXPECT_EQ(whole(tcp4(tlv(0xe7, "hops=4"))).hops_left, 4);
  EXPECT_EQ(whole(tcp4(tlv(0xe7, "hops=0"))).hops_left, 0);
  for (const char* other : {"", "hops=", "hops=256", "hops=-1", "hops=4 ", "hops=x", "HOPS=4", "4"}) {
    EXPECT_FALSE(whole(tcp4(tlv(0xe7, other))).hops_left) << other;
  }
}

TEST(ProxyProtocolEncode, LocalAndWhatDoesNotFit) {
  Header local;
  local.local = true;
  EXPECT_EQ(whole(encode_v2(local)), local);
  Header header;
  header.authority = std::string(5000, 'x');
  header.unique_id = std::string(200, 'i');
  Header read = whole(encode_v2(header));
  EXPECT_EQ(read.authority, "");
  EXPECT_EQ(read.unique_id, std::string(128, 'i'));
}

}  // namespace
}  // namespace postigo::proxy_protocol
