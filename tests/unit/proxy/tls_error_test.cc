// What an operator reads when TLS fails: each kind by its name, on both sides.
#include "proxy/net/tls_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::Not;

class TlsErrors : public TlsTest {
 protected:
  // What a backend's client side and its server side say after a failed handshake.
  std::pair<std::string, std::string> failing(const std::string& name = "mail.example.org",
                                              const std::string& alpn = "imap") {
    auto context = server_context();
    auto from = client_context(name, alpn);
    EXPECT_FALSE(connect(*context, from));
    for (const std::string& error : {client.tls->error(), server.tls->error()}) {
      EXPECT_THAT(error, Not(HasSubstr("verification context"))) << "who verifies nothing has no verdict";
    }
    return {client.tls->error(), server.tls->error()};
  }
};

TEST_F(TlsErrors, Expired) {
  server_options.certificates = {authority.issue("mail", "DNS:mail.example.org", Kind::ecdsa, -3600, -60)};
  auto [from, at] = failing();
  EXPECT_THAT(from, testing::MatchesRegex("the certificate has expired: .*20.. GMT \\(CERTIFICATE_VERIFY_FAILED\\)"));
  EXPECT_EQ(at, "alert received: certificate expired (SSLV3_ALERT_CERTIFICATE_EXPIRED)");
}

TEST_F(TlsErrors, AnotherName) {
  serve("mail", "DNS:mail.example.org");
  auto [from, at] = failing("imap.example.net");
  EXPECT_EQ(from,
            "name mismatch: the certificate is for other names than imap.example.net (CERTIFICATE_VERIFY_FAILED)");
  EXPECT_THAT(at, HasSubstr("alert received: "));
  EXPECT_THAT(failing("127.0.0.1").first, HasSubstr("name mismatch: the certificate is not for this IP address"));
}

TEST_F(TlsErrors, AnUnknownAuthority) {
  Authority stranger("Another CA");
  server_options.certificates = {stranger.issue("mail", "DNS:mail.example.org")};
  auto [from, at] = failing();
  EXPECT_THAT(from, HasSubstr("unknown CA: "));
  EXPECT_EQ(at, "alert received: unknown CA (TLSV1_ALERT_UNKNOWN_CA)");
}

TEST_F(TlsErrors, SelfSigned) {
  Authority itself("mail.example.org");
  config::Certificate files = itself.own();
  files.names = {"mail.example.org"};
  server_options.certificates = {files};
  EXPECT_THAT(failing().first, HasSubstr("self-signed"));
}

TEST_F(TlsErrors, NothingInCommon) {
  serve("mail", "DNS:mail.example.org");
  server_options.min_version = TLS1_3_VERSION;
  {
    auto context = server_context();
    auto from = client_context();
    begin(*context, from);
    SSL_set_max_proto_version(client.tls->ssl(), TLS1_2_VERSION);
    EXPECT_FALSE(handshake());
    EXPECT_EQ(server.tls->error(), "no protocol version in common (UNSUPPORTED_PROTOCOL)");
    EXPECT_THAT(client.tls->error(), HasSubstr("alert received: protocol version"));
  }
  server_options.min_version = TLS1_2_VERSION;
  server_options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  client_options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
  {
    auto context = server_context();
    auto from = client_context();
    begin(*context, from);
    SSL_set_max_proto_version(client.tls->ssl(), TLS1_2_VERSION);
    EXPECT_FALSE(handshake());
    EXPECT_EQ(server.tls->error(), "no cipher in common (NO_SHARED_CIPHER)");
    EXPECT_THAT(client.tls->error(), HasSubstr("alert received: handshake failure"));
  }
  client_options.ciphers.clear();
  EXPECT_THAT(failing("mail.example.org", "h2").second, HasSubstr("(ALPN) in common"));
}

TEST_F(TlsErrors, ClearText) {
  serve("mail", "DNS:mail.example.org");
  auto context = server_context();
  auto from = client_context();
  for (auto [text, words] : {std::pair{"a1 LOGIN u p\r\n", "not TLS: clear text"},
                             {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not TLS: an HTTP request"}}) {
    begin(*context, from);
    (void)server.tls->receive(text);
    EXPECT_THAT(server.tls->error(), HasSubstr(words));
    loop.tls_io().out.clear();
  }
  begin(*context, from);
  client.tls->start();
  (void)client.tls->receive("* OK [CAPABILITY IMAP4rev1] ready\r\n");
  EXPECT_THAT(client.tls->error(), HasSubstr("not TLS: clear text, or a port that expects STARTTLS"));
  loop.tls_io().out.clear();
}

// As OpenSSL sends it in TLS 1.3 when it does not like our certificate.
TEST_F(TlsErrors, AnAlertThatIsNotEncrypted) {
  serve("mail", "DNS:mail.example.org");
  auto context = server_context();
  auto from = client_context();
  begin(*context, from);
  client.tls->start();
  collect(server);
  (void)server.tls->receive(std::exchange(server.under_way, {}));
  loop.tls_io().out.clear();
  (void)server.tls->receive(std::string("\x15\x03\x03\x00\x02\x02\x30", 7));
  EXPECT_THAT(server.tls->error(), HasSubstr("alert received: unknown CA"));
}

}  // namespace
}  // namespace postigo
