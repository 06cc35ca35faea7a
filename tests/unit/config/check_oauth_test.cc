// What is said of an issuer that anybody on the way could speak for.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

class CheckOAuth : public ConfigTest {
 protected:
  std::string said(const std::string& own) {
    return joined(
        small_and("[auth.backend_login]\nmode = \"master_authzid\"\nmaster_user = \"m\"\nmaster_password = \"p\"\n"
                  "[[directory]]\ntype = \"oauth\"\n[directory.oauth]\n" +
                  own));
  }
};

TEST_F(CheckOAuth, WhatIsLearntIsLearntOverTls) {
  const std::string safe = "issuer = \"https://issuer.test/realm\"\n", open = "issuer = \"http://issuer.test/realm\"\n";
  EXPECT_EQ(said(safe), "");
  EXPECT_THAT(said(open), HasSubstr("warning: directory.oauth.issuer: \"http://issuer.test/realm\" has no TLS"));
  EXPECT_EQ(said("issuer = \"http://127.0.0.1:8080/realm\"\n"), "") << "nobody else listens there";
  EXPECT_EQ(said("issuer = \"http://[::1]/realm\"\n"), "");
  EXPECT_THAT(said(safe + "jwks = \"http://issuer.test/keys\"\n"), HasSubstr("warning: directory.oauth.jwks: "));
  EXPECT_THAT(said(safe + "introspection = \"http://issuer.test:81?x\"\n"),
              HasSubstr("warning: directory.oauth.introspection: "));
  EXPECT_EQ(said(open + "jwks = \"https://issuer.test/keys\"\n"), "") << "it is a name here, and nobody is asked there";
}

}  // namespace
}  // namespace postigo::config
