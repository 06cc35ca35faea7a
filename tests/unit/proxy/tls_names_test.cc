// Which certificate a client is shown, and which one we believe a backend.
#include "proxy/net/tls_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TlsNames : public TlsTest {
 protected:
  // What a client that asks for `name` and does not check is shown.
  std::string asked(const TlsServerContext& context, const std::string& name, bool rsa_only = false,
                    uint16_t version = TLS1_3_VERSION) {
    client_options.verify = false;
    auto from = client_context(name);
    begin(context, from);
    SSL_set_max_proto_version(client.tls->ssl(), version);
    constexpr std::array<uint16_t, 2> kRsa = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256};
    if (rsa_only) SSL_set_verify_algorithm_prefs(client.tls->ssl(), kRsa.data(), kRsa.size());
    return handshake() ? shown() : "failed: " + client.tls->error();
  }
  // What a client that insists on `name` gets.
  std::string verified(const TlsServerContext& context, const std::string& name) {
    client_options.verify = true;
    auto from = client_context(name);
    return connect(context, from) ? "ok" : client.tls->error();
  }
};

TEST_F(TlsNames, TheNameChoosesTheCertificate) {
  serve("first", "DNS:mail.example.org");
  serve("exact", "DNS:imap.example.net");
  serve("star", "DNS:*.example.net");
  auto context = server_context();
  EXPECT_EQ(asked(*context, "mail.example.org"), "first");
  EXPECT_EQ(asked(*context, "imap.example.net"), "exact");
  EXPECT_EQ(asked(*context, "IMAP.Example.NET"), "exact");
  EXPECT_EQ(asked(*context, "pop.example.net"), "star");
  EXPECT_EQ(asked(*context, "a.b.example.net"), "first") << "a star stands for one label";
  EXPECT_EQ(asked(*context, "example.net"), "first");
  EXPECT_EQ(asked(*context, "unknown.example.com"), "first");
  EXPECT_EQ(asked(*context, "127.0.0.1"), "first") << "no SNI for addresses";
}

TEST_F(TlsNames, ConfiguredNamesReplaceThoseInTheCertificate) {
  serve("first", "DNS:mail.example.org");
  serve("second", "DNS:other.example.org", Kind::ecdsa, {"Customer.example", "*.customer.example"});
  auto context = server_context();
  EXPECT_EQ(asked(*context, "customer.example"), "second");
  EXPECT_EQ(asked(*context, "imap.customer.example"), "second");
  EXPECT_EQ(asked(*context, "other.example.org"), "first");
}

TEST_F(TlsNames, RsaBesideEcdsaByWhatTheClientCanVerify) {
  serve("rsa", "DNS:mail.example.org", Kind::rsa);
  serve("ecdsa", "DNS:mail.example.org", Kind::ecdsa);
  auto context = server_context();
  for (uint16_t version : std::array<uint16_t, 2>{TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(asked(*context, "mail.example.org", false, version), "ecdsa") << version;
    EXPECT_EQ(asked(*context, "mail.example.org", true, version), "rsa") << version;
    EXPECT_EQ(asked(*context, "unknown.example.com", false, version), "ecdsa") << "its twin, by the same names";
    EXPECT_EQ(asked(*context, "unknown.example.com", true, version), "rsa");
  }
}

TEST_F(TlsNames, OnlyOneKindServesWhoCanTakeIt) {
  serve("ecdsa", "DNS:mail.example.org", Kind::ecdsa);
  serve("foreign", "DNS:other.example.org", Kind::rsa);
  auto context = server_context();
  EXPECT_THAT(asked(*context, "mail.example.org", true), StartsWith("failed: ")) << "better than a foreign name";
  EXPECT_EQ(asked(*context, "mail.example.org"), "ecdsa");
  EXPECT_EQ(asked(*context, "other.example.org"), "foreign");
}

TEST_F(TlsNames, TheNameOfABackendIsChecked) {
  serve("mail", "DNS:mail.example.org,DNS:*.example.net,IP:127.0.0.1,IP:2001:db8::1");
  auto context = server_context();
  EXPECT_EQ(verified(*context, "mail.example.org"), "ok");
  EXPECT_EQ(verified(*context, "b1.example.net"), "ok");
  EXPECT_EQ(verified(*context, "127.0.0.1"), "ok");
  EXPECT_EQ(verified(*context, "2001:db8::1"), "ok");
  EXPECT_THAT(verified(*context, "mail.example.com"), HasSubstr("CERTIFICATE_VERIFY_FAILED"));
  EXPECT_THAT(verified(*context, "mail.example.com"), HasSubstr("name mismatch"));
  EXPECT_THAT(verified(*context, "a.b.example.net"), HasSubstr("name mismatch"));
  EXPECT_THAT(verified(*context, "127.0.0.2"), HasSubstr("not for this IP address"));
  EXPECT_THAT(verified(*context, "mail"), HasSubstr("name mismatch")) << "the common name is not a host name";
}

TEST_F(TlsNames, AStrangersCertificateIsRefused) {
  Authority stranger("Another CA");
  server_options.certificates = {stranger.issue("mail", "DNS:mail.example.org")};
  auto context = server_context();
  std::string why = verified(*context, "mail.example.org");
  EXPECT_THAT(why, HasSubstr("unknown CA"));
  EXPECT_THAT(server.tls->error(), HasSubstr("TLSV1_ALERT_UNKNOWN_CA"));
  EXPECT_EQ(asked(*context, "mail.example.org"), "mail") << "verify = false means it";
}

// A20: who names another protocol is turned away before he says a word.
TEST_F(TlsNames, A20_AlpnMismatchIsFatal) {
  serve("mail", "DNS:mail.example.org");
  auto context = server_context();
  for (std::string alpn : {"http/1.1", "pop3", "h2", "IMAP", "imap2"}) {
    auto from = client_context("mail.example.org", alpn);
    EXPECT_FALSE(connect(*context, from)) << alpn;
    EXPECT_THAT(client.tls->error(), HasSubstr("NO_APPLICATION_PROTOCOL")) << alpn;
    EXPECT_EQ(server.tls->state(), State::failed);
  }
  auto from = client_context();
  EXPECT_TRUE(connect(*context, from));
  begin(*context, from);
  SSL_set_alpn_protos(client.tls->ssl(), nullptr, 0);
  EXPECT_TRUE(handshake()) << "most mail clients name nothing";
  begin(*context, from);
  constexpr std::string_view kTwo = "\x08http/1.1\x04imap";
  SSL_set_alpn_protos(client.tls->ssl(), reinterpret_cast<const uint8_t*>(kTwo.data()), kTwo.size());
  EXPECT_TRUE(handshake()) << "ours among others";
}

// RFC 9525 6.1: a certificate that names its server in the subject only is a certificate without a name.
TEST_F(TlsNames, TheSubjectOfABackendsCertificateIsNoName) {
  serve("mail.example.org", "");
  auto context = server_context();
  auto from = client_context("mail.example.org");
  EXPECT_FALSE(connect(*context, from));
  EXPECT_EQ(client.tls->state(), State::failed);
  server_options.certificates.clear();
  serve("mail.example.org", "IP:192.0.2.1");
  context = server_context();
  EXPECT_FALSE(connect(*context, from)) << "an address in the place of names";
}

TEST_F(TlsNames, FactsForTheMetrics) {
  serve("first", "DNS:Mail.Example.org,DNS:other", Kind::ecdsa);
  serve("second", "", Kind::rsa);
  config::Problems problems;
  auto store = CertificateStore::load(server_options, problems);
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(problems.empty());
  std::vector<CertificateFacts> facts = store->facts();
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts[0].name, "mail.example.org");
  EXPECT_TRUE(facts[0].ecdsa);
  EXPECT_EQ(facts[1].name, server_options.certificates[1].certificate_file) << "without a name, its file";
  EXPECT_FALSE(facts[1].ecdsa);
  EXPECT_EQ(facts[1].number, 2u);
  EXPECT_NEAR(static_cast<double>(facts[0].not_after_s), static_cast<double>(std::time(nullptr) + 86'400), 60);
}

}  // namespace
}  // namespace postigo
