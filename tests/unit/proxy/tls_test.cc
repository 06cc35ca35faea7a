// One TLS connection over the loop's shared BIO: handshakes, data at any cut, and how it ends.
#include "proxy/net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;

std::string pattern(size_t size) {
  std::string text(size, 0);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 >> 3);
  return text;
}

struct Case {
  uint16_t version;
  size_t cut;
};
void PrintTo(const Case& each, std::ostream* to) { *to << each.version << ", " << each.cut; }  // part of ctest's names

class TlsVersions : public TlsTest, public testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    serve("mail", "DNS:mail.example.org");
    context = server_context();
    backend = client_context();
    cut = GetParam().cut;
  }
  bool open() {
    begin(*context, backend);
    SSL_set_max_proto_version(client.tls->ssl(), GetParam().version);
    return handshake();
  }
  std::shared_ptr<const TlsServerContext> context;
  std::shared_ptr<TlsClientContext> backend;
};

INSTANTIATE_TEST_SUITE_P(All, TlsVersions,
                         testing::Values(Case{TLS1_2_VERSION, SIZE_MAX}, Case{TLS1_3_VERSION, SIZE_MAX},
                                         Case{TLS1_2_VERSION, 1}, Case{TLS1_3_VERSION, 1}, Case{TLS1_3_VERSION, 6}),
                         [](const auto& each) {
                           return std::string(each.param.version == TLS1_2_VERSION ? "Tls12" : "Tls13") +
                                  (each.param.cut == SIZE_MAX ? "Whole" : "CutAt" + std::to_string(each.param.cut));
                         });

TEST_P(TlsVersions, HandshakeAndData) {
  ASSERT_TRUE(open()) << client.tls->error() << " / " << server.tls->error();
  EXPECT_STREQ(server.tls->version(), GetParam().version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  EXPECT_STREQ(server.tls->cipher(), client.tls->cipher());
  EXPECT_FALSE(server.tls->resumed());
  say(client, server, "a1 NOOP\r\n");
  EXPECT_EQ(server.got, "a1 NOOP\r\n");
  std::string long_text = pattern(cut == SIZE_MAX ? 3'000'000 : 40'000);
  say(server, client, long_text);
  EXPECT_TRUE(client.got == long_text);
  EXPECT_TRUE(loop.tls_io().in.empty());
}

TEST_P(TlsVersions, WhatComesWithTheLastFlightIsNotLost) {
  begin(*context, backend);
  SSL_set_max_proto_version(client.tls->ssl(), GetParam().version);
  client.tls->start();
  collect(server);
  bool said = false;
  while (!server.under_way.empty() || !client.under_way.empty()) {
    deliver(client, server);
    if (!said && client.tls->state() == State::open) {  // glued to the Finished in TLS 1.3
      said = true;
      client.tls->send("a1 LOGIN u p\r\na2 NOOP\r\n");
      collect(server);
    }
    deliver(server, client);
  }
  EXPECT_TRUE(said);
  EXPECT_EQ(server.got, "a1 LOGIN u p\r\na2 NOOP\r\n");
}

// T59: an end that was announced is an end; both sides keep what came before it.
TEST_P(TlsVersions, T59_CloseNotifyEndsOneDirection) {
  ASSERT_TRUE(open());
  client.tls->send("a9 LOGOUT\r\n");
  client.tls->send_close_notify();
  collect(server);
  pump();
  EXPECT_EQ(server.got, "a9 LOGOUT\r\n");
  EXPECT_EQ(server.tls->state(), State::ended);
  EXPECT_EQ(client.tls->state(), State::open);
  say(server, client, "* BYE\r\n");  // the other direction is still there (T58)
  EXPECT_EQ(client.got, "* BYE\r\n");
  close_notify(server, client);
  EXPECT_EQ(client.tls->state(), State::ended);
}

TEST_P(TlsVersions, ForgedRecordsFail) {
  ASSERT_TRUE(open());
  server.tls->send("* OK genuine\r\n");
  collect(client);
  client.under_way[client.under_way.size() - 1] ^= 1;
  pump();
  EXPECT_EQ(client.tls->state(), State::failed);
  EXPECT_EQ(client.got, "");
  EXPECT_THAT(client.tls->error(), HasSubstr("BAD_DECRYPT"));
}

class TlsEnds : public TlsTest {
 protected:
  void SetUp() override { serve("mail", "DNS:mail.example.org"); }
};

TEST_F(TlsEnds, AClientThatSpeaksClearText) {
  auto context = server_context();
  auto backend = client_context();
  for (std::string text : {"a1 LOGIN u p\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01garbage-garbage"}) {
    begin(*context, backend);
    EXPECT_TRUE(server.tls->receive(text).empty());
    EXPECT_EQ(server.tls->state(), State::failed) << text;
    EXPECT_FALSE(server.tls->error().empty());
    loop.tls_io().out.clear();
  }
  ASSERT_TRUE(connect(*context, backend)) << "one client's garbage is nobody else's";
}

TEST_F(TlsEnds, OldVersionsAreRefused) {
  server_options.min_version = TLS1_3_VERSION;
  auto context = server_context();
  auto backend = client_context();
  begin(*context, backend);
  SSL_set_max_proto_version(client.tls->ssl(), TLS1_2_VERSION);
  EXPECT_FALSE(handshake());
  EXPECT_THAT(server.tls->error(), HasSubstr("UNSUPPORTED_PROTOCOL"));
  EXPECT_THAT(client.tls->error(), HasSubstr("TLSV1_ALERT_PROTOCOL_VERSION"));
}

TEST_F(TlsEnds, ManyConnectionsShareOneBio) {
  auto context = server_context();
  auto backend = client_context();
  std::vector<std::pair<End, End>> open;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(connect(*context, backend));
    open.emplace_back(std::move(server), std::move(client));
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& [at, from] : open) {
      std::swap(at, server);
      std::swap(from, client);
      std::string text = pattern(1000 + open.size());
      client.got.clear();
      say(server, client, text);
      EXPECT_TRUE(client.got == text);
      std::swap(at, server);
      std::swap(from, client);
    }
  }
}

// A16: what a failed connection left behind is not read by the next one.
TEST_F(TlsEnds, A16_AFailedHandshakeLeavesNothingBehind) {
  auto context = server_context();
  auto backend = client_context();
  begin(*context, backend);
  (void)server.tls->receive("a1 LOGIN u canary\r\n and more");
  EXPECT_TRUE(loop.tls_io().in.empty());
}

}  // namespace
}  // namespace postigo
