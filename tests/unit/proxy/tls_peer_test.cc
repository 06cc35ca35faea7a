// Certificates of clients, and what a login may be bound to.
#include "proxy/net/tls_peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/tls_binding.h"
#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

using config::CertificateName;
using config::ClientCertificate;
using testing::HasSubstr;

class TlsPeer : public TlsTest, public testing::WithParamInterface<uint16_t> {
 protected:
  TlsPeer() {
    serve("mail", "DNS:mail.example.org");
    client_certificate = ClientCertificate::ask;
    server_options.client_ca_file = authority.ca_file();
  }
  void show(const config::Certificate& files) {
    client_options.certificate_file = files.certificate_file;
    client_options.key_file = files.key_file;
  }
  // Whom the server sees after a handshake; "refused" if there is none.
  std::string seen(const TlsServerContext& at, const std::shared_ptr<TlsClientContext>& from,
                   CertificateName part = CertificateName::san_email) {
    begin(at, from);
    SSL_set_max_proto_version(client.tls->ssl(), GetParam());
    return handshake() ? name_in_certificate(server.tls->ssl(), part) : "refused";
  }
};

INSTANTIATE_TEST_SUITE_P(All, TlsPeer, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& each) { return each.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TlsPeer, A8_ThePartThatIsTheName) {
  show(authority.issue("ann", "email:ann@example.org,DNS:ann.example.org"));
  auto at = server_context();
  EXPECT_EQ(seen(*at, client_context()), "ann@example.org");
  EXPECT_EQ(seen(*at, client_context(), CertificateName::san_dns), "ann.example.org");
  EXPECT_EQ(seen(*at, client_context(), CertificateName::subject_cn), "ann");
  EXPECT_EQ(seen(*at, client_context(), CertificateName::subject_email), "");
  EXPECT_EQ(seen(*at, client_context(), CertificateName::subject_uid), "");
}

TEST_P(TlsPeer, A8_NobodyIsNamedByNoneOrByTwo) {
  auto at = server_context();
  EXPECT_EQ(seen(*at, client_context()), "") << "no certificate at all";
  show(authority.issue("ann", "DNS:ann.example.org"));
  EXPECT_EQ(seen(*at, client_context()), "") << "without that part";
  show(authority.issue("ann", "email:ann@example.org,email:root@example.org"));
  EXPECT_EQ(seen(*at, client_context()), "") << "with two of them";
  show(authority.issue("ann\nroot", "email:ann@example.org"));
  EXPECT_EQ(seen(*at, client_context(), CertificateName::subject_cn), "") << "A2";
}

TEST_P(TlsPeer, OthersAndThoseWhoseTimeIsOverAreRefused) {
  Authority other("Another CA");
  show(other.issue("ann", "email:ann@example.org"));
  EXPECT_EQ(seen(*server_context(), client_context()), "refused");
  show(authority.issue("ann", "email:ann@example.org", Authority::Kind::ecdsa, -7200, -3600));
  EXPECT_EQ(seen(*server_context(), client_context()), "refused");
  client_options = {};
  client_certificate = ClientCertificate::require;
  EXPECT_EQ(seen(*server_context(), client_context()), "refused") << "none, where one must be shown";
  client_certificate = ClientCertificate::off;
  show(authority.issue("ann", "email:ann@example.org"));
  EXPECT_EQ(seen(*server_context(), client_context()), "") << "not asked for";
}

TEST_P(TlsPeer, A17_RevokedOnesAreRefusedAndNoTicketHelps) {
  show(authority.issue("ann", "email:ann@example.org"));
  long ann = authority.last_serial();
  server_options.client_crl_file = authority.revoke("nobody.crl", {});
  auto from = client_context();
  EXPECT_EQ(seen(*server_context(), from), "ann@example.org");
  EXPECT_EQ(seen(*server_context(), from), "ann@example.org");
  EXPECT_FALSE(server.tls->resumed());
  server_options.client_crl_file = authority.revoke("ann.crl", {ann});
  EXPECT_EQ(seen(*server_context(), client_context()), "refused");
  EXPECT_EQ(seen(*server_context(), from), "refused") << "who was here before";
}

TEST_P(TlsPeer, A17_ATicketCarriesNobodyToAnotherListener) {
  show(authority.issue("ann", "email:ann@example.org"));
  auto from = client_context();
  client_certificate = ClientCertificate::off;
  auto without = server_context();
  EXPECT_EQ(seen(*without, from), "");
  client_certificate = ClientCertificate::require;
  EXPECT_EQ(seen(*server_context(), from), "ann@example.org");
  EXPECT_FALSE(server.tls->resumed()) << "a ticket of the time when nobody was asked";
  EXPECT_EQ(seen(*server_context("other"), from), "ann@example.org");
  EXPECT_FALSE(server.tls->resumed());
}

TEST_P(TlsPeer, FilesThatAreNoUse) {
  config::Problems problems;
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  server_options.client_ca_file = authority.file("none.pem");
  EXPECT_FALSE(ask_for_certificates(context.get(), server_options, ClientCertificate::ask, problems));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(to_string(problems[0]), HasSubstr("tls.client_ca"));
  server_options.client_ca_file = authority.ca_file();
  server_options.client_crl_file = authority.ca_file();
  EXPECT_FALSE(ask_for_certificates(context.get(), server_options, ClientCertificate::ask, problems));
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_THAT(to_string(problems[1]), HasSubstr("tls.client_crl"));
}

// Both ends know the same, and another connection something else; what the RFCs do not have is not there.
TEST_P(TlsPeer, A9_WhatBothEndsKnowOfTheirConnection) {
  client_certificate = ClientCertificate::off;
  auto at = server_context();
  bool tls13 = GetParam() == TLS1_3_VERSION;
  std::string before[2];
  for (int visit = 0; visit < 2; ++visit) {
    ASSERT_EQ(seen(*at, client_context()), "");
    const SSL *ours = server.tls->ssl(), *theirs = client.tls->ssl();
    EXPECT_EQ(channel_binding(ours, "tls-exporter").size(), 32U);
    EXPECT_EQ(channel_binding(ours, "tls-exporter"), channel_binding(theirs, "tls-exporter"));
    EXPECT_EQ(channel_binding(ours, "tls-unique"), channel_binding(theirs, "tls-unique"));
    EXPECT_EQ(channel_binding(ours, "tls-unique").empty(), tls13) << "RFC 9266 3";
    EXPECT_NE(channel_binding(ours, "tls-exporter"), before[0]);
    if (!tls13) {
      EXPECT_NE(channel_binding(ours, "tls-unique"), before[1]);
    }
    before[0] = channel_binding(ours, "tls-exporter");
    before[1] = channel_binding(ours, "tls-unique");
    bssl::UniquePtr<X509> leaf(SSL_get_peer_certificate(theirs));
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(leaf.get(), EVP_sha256(), hash, &size);
    EXPECT_EQ(channel_binding(ours, "tls-server-end-point"), std::string(reinterpret_cast<char*>(hash), size));
    EXPECT_EQ(channel_binding(ours, "tls-else"), "");
  }
}

}  // namespace
}  // namespace postigo
