// What is counted of a handshake: by version, key exchange and signature, once on each side.
#include "proxy/net/tls_count.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {
namespace {

template <typename Counters, typename Names>
std::string counted(const Counters& counters, const Names& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    for (uint64_t n = 0; n < counters[i].get(); ++n) text += (text.empty() ? "" : " ") + std::string(names[i]);
  }
  return text;
}

class TlsCount : public TlsTest {
 protected:
  // One handshake with a client that knows this version and these groups at most.
  void visit(const TlsServerContext& at, const std::shared_ptr<TlsClientContext>& from, uint16_t version,
             const char* groups = nullptr) {
    begin(at, from);
    SSL_set_max_proto_version(client.tls->ssl(), version);
    if (groups != nullptr) {
      ASSERT_EQ(SSL_set1_curves_list(client.tls->ssl(), groups), 1);
    }
    ASSERT_TRUE(handshake()) << client.tls->error();
    count_handshake(ours, server.tls->ssl());
    count_handshake(theirs, client.tls->ssl());
  }

  TlsStats ours, theirs;  // as the server counts, and as the client does
};

TEST_F(TlsCount, VersionsAndResumption) {
  serve("mail", "DNS:mail.example.org");
  auto context = server_context();
  auto from = client_context();
  visit(*context, from, TLS1_3_VERSION);
  visit(*context, from, TLS1_3_VERSION);
  auto old = client_context();
  visit(*context, old, TLS1_2_VERSION);
  for (const TlsStats* side : {&ours, &theirs}) {
    EXPECT_EQ(side->handshakes[1][0].get(), 1u);
    EXPECT_EQ(side->handshakes[1][1].get(), 1u);
    EXPECT_EQ(side->handshakes[0][0].get(), 1u);
    EXPECT_EQ(side->handshakes[0][1].get(), 0u);
    EXPECT_EQ(counted(side->signatures, kTlsSignatureNames), "ecdsa ecdsa") << "what is resumed costs none";
  }
}

TEST_F(TlsCount, GroupsByName) {
  serve("mail", "DNS:mail.example.org");
  auto context = server_context();
  for (const char* group : {"X25519", "P-256", "P-384"}) visit(*context, client_context(), TLS1_3_VERSION, group);
  visit(*context, client_context(), TLS1_2_VERSION, "P-256");
  EXPECT_EQ(counted(ours.groups, kTlsGroupNames), "X25519 secp256r1 secp256r1 secp384r1");
  EXPECT_EQ(counted(theirs.groups, kTlsGroupNames), "X25519 secp256r1 secp256r1 secp384r1");
}

// An RSA signature costs a server ten times an ECDSA one.
TEST_F(TlsCount, SignaturesByTheKeyOfTheServer) {
  serve("mail", "DNS:mail.example.org", Kind::rsa);
  auto context = server_context();
  visit(*context, client_context(), TLS1_3_VERSION);
  visit(*context, client_context(), TLS1_2_VERSION);
  EXPECT_EQ(counted(ours.signatures, kTlsSignatureNames), "rsa rsa");
  EXPECT_EQ(counted(theirs.signatures, kTlsSignatureNames), "rsa rsa");
}

}  // namespace
}  // namespace postigo
