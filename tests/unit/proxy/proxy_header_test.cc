// What a backend is told by a PROXY header when little is known; the rest is e2e/test_proxy_out.py's.
#include "proxy/session/proxy_header.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

using config::SendProxyHeader;
using proxy_protocol::Header;

TEST(ProxyHeader, AClientThatIsGoneHasNoAddress) {
  Summary summary;
  summary.id = "00c0ffee00c0ffee";
  summary.client = *Address::parse("192.0.2.7", 40001);
  EXPECT_EQ(proxy_header(SendProxyHeader::v1, summary, nullptr, 5), "PROXY UNKNOWN\r\n");
  auto read = proxy_protocol::parse(proxy_header(SendProxyHeader::v2, summary, nullptr, 5));
  ASSERT_EQ(read.state, proxy_protocol::Parsed::State::done);
  EXPECT_EQ(read.header.family, Header::Family::none);
  EXPECT_FALSE(read.header.local) << "it is no health check, and what is known of it counts";
  EXPECT_EQ(read.header.unique_id, summary.id);
  EXPECT_EQ(read.header.hops_left, 5);
}

TEST(ProxyHeader, WhatTheBalancerSaidOfTlsGoesOn) {
  Summary summary;
  summary.proxied = std::make_unique<Proxied>();
  summary.proxied->ssl = proxy_protocol::Ssl{true, true, true, "TLSv1.2", "", "ann"};
  summary.proxied->alpn = "imap";
  auto read = proxy_protocol::parse(proxy_header(SendProxyHeader::v2, summary, nullptr, 1));
  EXPECT_EQ(read.header.ssl, summary.proxied->ssl);
  EXPECT_EQ(read.header.alpn, "imap");
}

}  // namespace
}  // namespace postigo
