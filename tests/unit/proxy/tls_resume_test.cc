// Resumption: it saves a handshake where trust is the same, and nowhere else (A17).
#include <gtest/gtest.h>

#include <atomic>

#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

std::atomic<uint64_t> time_ms{0};
uint64_t time_now() { return time_ms; }

class TlsResume : public TlsTest, public testing::WithParamInterface<uint16_t> {
 protected:
  TlsResume() {
    time_ms = 10'000'000;
    keys = std::make_shared<TicketKeys>(3600'000, time_now);
    serve("mail", "DNS:mail.example.org");
  }
  // "full", "resumed" or why not; both ends agree.
  std::string visit(const TlsServerContext& at, const std::shared_ptr<TlsClientContext>& from) {
    begin(at, from);
    SSL_set_max_proto_version(client.tls->ssl(), GetParam());
    if (!handshake()) return client.tls->error();
    EXPECT_EQ(client.tls->resumed(), server.tls->resumed());
    return server.tls->resumed() ? "resumed" : "full";
  }
};

INSTANTIATE_TEST_SUITE_P(All, TlsResume, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& each) { return each.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TlsResume, TheSecondVisitIsShorter) {
  auto context = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*context, from), "full");
  EXPECT_EQ(visit(*context, from), "resumed");
  EXPECT_EQ(visit(*context, from), "resumed") << "the ticket of a resumed visit is as good";
}

// Workers have a context each after a reload; the keys are what they share.
TEST_P(TlsResume, AnotherContextOfTheSameListenerTakesTheTicket) {
  auto one = server_context(), other = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*one, from), "full");
  EXPECT_EQ(visit(*other, from), "resumed");
}

TEST_P(TlsResume, A17_AnotherListenersTicketMeansAFullHandshake) {
  auto imaps = server_context("imaps"), other = server_context("imaps-internal");
  auto from = client_context();
  EXPECT_EQ(visit(*imaps, from), "full");
  EXPECT_EQ(visit(*other, from), "full");
  EXPECT_EQ(visit(*other, from), "resumed");
  EXPECT_EQ(visit(*imaps, from), "full");
}

TEST_P(TlsResume, A17_ATicketIsGoodForTheNamesItWasGivenFor) {
  serve("other", "DNS:other.example.org");
  auto context = server_context();
  auto from = client_context("mail.example.org");
  EXPECT_EQ(visit(*context, from), "full");
  bssl::UniquePtr<SSL_SESSION> ticket(SSL_get1_session(client.tls->ssl()));
  begin(*context, from);
  SSL_set_max_proto_version(client.tls->ssl(), GetParam());
  SSL_set_tlsext_host_name(client.tls->ssl(), "other.example.org");
  SSL_set_verify(client.tls->ssl(), SSL_VERIFY_NONE, nullptr);
  ASSERT_TRUE(handshake()) << client.tls->error();
  EXPECT_FALSE(server.tls->resumed());
  EXPECT_EQ(shown(), "other");
}

TEST_P(TlsResume, TicketsEndWithTheirKey) {
  auto context = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*context, from), "full");
  time_ms += 3600'000;
  EXPECT_EQ(visit(*context, from), "resumed") << "the key opens for a second period";
  auto old = client_context();
  EXPECT_EQ(visit(*context, old), "full");
  time_ms += 2 * 3600'000;
  EXPECT_EQ(visit(*context, old), "full") << "and then it is gone";
}

// A client that keeps a ticket longer than its key lives comes back for nothing.
TEST_P(TlsResume, TheLifetimeThatClientsAreToldIsTheKeys) {
  for (uint32_t period_s : {600u, 3600u}) {
    keys = std::make_shared<TicketKeys>(period_s * uint64_t{1000}, time_now);
    auto context = server_context();
    auto from = client_context();
    EXPECT_EQ(visit(*context, from), "full");
    bssl::UniquePtr<SSL> next = from->make_ssl();
    const SSL_SESSION* session = SSL_get_session(next.get());
    // BoringSSL keeps the hint of TLS 1.2 apart, that of TLS 1.3 is the session's own time.
    uint32_t told_s =
        GetParam() == TLS1_2_VERSION ? SSL_SESSION_get_ticket_lifetime_hint(session) : SSL_SESSION_get_timeout(session);
    EXPECT_EQ(told_s, period_s);
    EXPECT_EQ(visit(*context, from), "resumed");
  }
}

TEST_P(TlsResume, KeysOfAnotherProcessOpenNothing) {
  auto one = server_context();
  keys = std::make_shared<TicketKeys>(3600'000, time_now);
  auto restarted = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*one, from), "full");
  EXPECT_EQ(visit(*restarted, from), "full");
}

TEST_P(TlsResume, TicketsCanBeSwitchedOff) {
  server_options.session_tickets = false;
  auto context = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*context, from), "full");
  EXPECT_EQ(visit(*context, from), "full");
}

TEST_P(TlsResume, ABackendsNewCertificateIsCheckedAgain) {
  auto context = server_context();
  auto from = client_context();
  EXPECT_EQ(visit(*context, from), "full");
  Authority stranger("Another CA");
  server_options.certificates = {stranger.issue("mail", "DNS:mail.example.org")};
  keys = std::make_shared<TicketKeys>(3600'000, time_now);
  auto replaced = server_context();
  EXPECT_NE(visit(*replaced, from), "full");
}

}  // namespace
}  // namespace postigo
