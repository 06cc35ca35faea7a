// The other mechanisms: the RFCs' own examples, their syntax, and which are offered when.
#include "parser/sasl/mechanisms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parser/base/limits.h"
#include "parser/sasl/offer.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::sasl {
namespace {

using testing::ElementsAre;

class Mechanisms : public testing::Test {
 protected:
  void begin(std::string_view mechanism, Bytes hostname = "mail.example.org", Bytes timestamp = {}) {
    server_ = make_server(mechanism, Setting{facts_, hostname, false, timestamp});
    credentials_ = {};
  }
  Status say(const std::string& text) {
    Bytes bytes = text;
    return server_->step(&bytes, challenge_, credentials_);
  }
  Status ask() { return server_->step(nullptr, challenge_, credentials_); }
  Proof supplied(const StoredSecret& secret) {
    EXPECT_EQ(server_->supply(secret, challenge_, credentials_), Status::done);
    return credentials_.proof;
  }

  FakeFacts facts_;
  std::unique_ptr<Server> server_;
  std::string challenge_;
  Credentials credentials_;
};

TEST_F(Mechanisms, CramMd5OfRfc2195) {
  facts_.said = "1896.697170952";
  for (const char* password : {"tanstaaftanstaaf", "tanstaaf", ""}) {
    begin("CRAM-MD5", "postoffice.reston.mci.net");
    ASSERT_EQ(ask(), Status::challenge);
    EXPECT_EQ(challenge_, "<1896.697170952@postoffice.reston.mci.net>");
    ASSERT_EQ(say("tim b913a602c7eda7a495b4e6e7334d3890"), Status::need_secret);
    EXPECT_EQ(credentials_.user, "tim");
    StoredSecret secret;
    secret.cleartext = Secret(password);
    bool right = std::string(password) == "tanstaaftanstaaf";
    EXPECT_EQ(supplied(secret), right ? Proof::proven : Proof::rejected);
  }
}

TEST_F(Mechanisms, CramMd5Syntax) {
  begin("CRAM-MD5");
  EXPECT_EQ(say("tim b913a602c7eda7a495b4e6e7334d3890"), Status::malformed) << "it speaks first";
  for (std::string bad :
       {"", "tim", "b913a602c7eda7a495b4e6e7334d3890", "tim b913", "tim b913a602c7eda7a495b4e6e7334d38900"}) {
    begin("CRAM-MD5");
    ask();
    EXPECT_EQ(say(bad), Status::malformed) << bad;
  }
  begin("CRAM-MD5");
  ask();
  ASSERT_EQ(say("a name B913A602C7EDA7A495B4E6E7334D3890"), Status::need_secret);
  EXPECT_EQ(credentials_.user, "a name");
  begin("CRAM-MD5");
  ask();
  ASSERT_EQ(say("a\nb b913a602c7eda7a495b4e6e7334d3890"), Status::done);
  EXPECT_FALSE(credentials_.possible) << "A2";
}

TEST_F(Mechanisms, T26_ApopOfRfc1939) {
  for (const char* password : {"tanstaaf", "tanstaaftanstaaf", ""}) {
    begin("APOP", "x", "<1896.697170952@dbc.mtview.ca.us>");
    ASSERT_EQ(say("mrose c4c9334bac560ecc979e58001b3e22fb"), Status::need_secret);
    EXPECT_EQ(credentials_.user, "mrose");
    StoredSecret secret;
    secret.cleartext = Secret(password);
    EXPECT_EQ(supplied(secret), std::string(password) == "tanstaaf" ? Proof::proven : Proof::rejected);
  }
}

TEST_F(Mechanisms, OauthBearerOfRfc7628) {
  begin("OAUTHBEARER");
  ASSERT_EQ(ask(), Status::challenge);
  EXPECT_EQ(challenge_, "");
  ASSERT_EQ(say("n,a=user@example.com,\1host=server.example.com\1port=143\1"
                "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
            Status::done);
  EXPECT_EQ(credentials_.user, "user@example.com");
  EXPECT_EQ(credentials_.proof, Proof::token);
  EXPECT_TRUE(credentials_.password.equals("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="));
  EXPECT_EQ(server_->failure(), R"({"status":"invalid_token"})");
}

TEST_F(Mechanisms, T17_T23_TokensAreLongAndNamesEncoded) {
  const std::string token(limits::kPasswordMax, 't');
  begin("OAUTHBEARER");
  ASSERT_EQ(say("n,a=us=2Cer=3D,\1auth=bearer " + token + "\1\1"), Status::done);
  EXPECT_EQ(credentials_.user, "us,er=");
  EXPECT_TRUE(credentials_.password.equals(token));
  begin("OAUTHBEARER");
  ASSERT_EQ(say("n,,\1auth=Bearer t\1\1"), Status::done);
  EXPECT_TRUE(credentials_.possible && credentials_.user.empty()) << "the token says whose it is";
  begin("XOAUTH2");
  ASSERT_EQ(say("user=a@b\1auth=Bearer " + token + "\1\1"), Status::done);
  EXPECT_EQ(credentials_.user, "a@b");
  EXPECT_TRUE(credentials_.possible);
  for (std::string bad :
       {token + "t", std::string(), std::string("a b"), std::string("a\rb"), std::string("t\xc3\xb6")}) {
    begin("XOAUTH2");
    ASSERT_EQ(say("user=a@b\1auth=Bearer " + bad + "\1\1"), Status::done);
    EXPECT_FALSE(credentials_.possible);
    EXPECT_TRUE(credentials_.password.empty());
  }
}

TEST_F(Mechanisms, A10_WhatBreaksTheGrammarOfTokens) {
  for (std::string bad :
       {"", "\1", "n,,", "n,,\1", "n,,\1\1", "n,,\1auth=Bearer t\1", "n,,\1auth=Bearer t\1\1x", "n,\1auth=Bearer t\1\1",
        "p=tls-exporter,,\1auth=Bearer t\1\1", "n,a=,\1auth=Bearer t\1\1", "n,a=x=2c,\1auth=Bearer t\1\1",
        "n,b=x,\1auth=Bearer t\1\1", "n,,\1auth=Basic t\1\1", "n,,\1auth=Bearer t\1auth=Bearer u\1\1",
        "n,,\1=x\1auth=Bearer t\1\1", "n,,\1host\1auth=Bearer t\1\1"}) {
    begin("OAUTHBEARER");
    EXPECT_EQ(say(bad), Status::malformed) << bad;
  }
  for (std::string bad : {"", "user=a\1\1", "auth=Bearer t\1\1", "user=a\1user=b\1auth=Bearer t\1\1",
                          "user=a\1auth=Bearer t\1", "user=\1auth=Bearer t\1\1"}) {
    begin("XOAUTH2");
    EXPECT_EQ(say(bad), Status::malformed) << bad;
  }
  begin("XOAUTH2");
  EXPECT_EQ(say(std::string("user=a\0\1auth=Bearer t\1\1", 23)), Status::malformed) << "T7";
}

TEST_F(Mechanisms, A8_ExternalIsWhomTheCertificateNames) {
  facts_.certificate = "ann@example.com";
  begin("EXTERNAL");
  ASSERT_EQ(ask(), Status::challenge);
  ASSERT_EQ(say(""), Status::done);
  EXPECT_EQ(credentials_.user, "ann@example.com");
  EXPECT_EQ(credentials_.authzid, "");
  EXPECT_EQ(credentials_.proof, Proof::certificate);
  begin("EXTERNAL");
  ASSERT_EQ(say("bob@example.com"), Status::done);
  EXPECT_EQ(credentials_.user + " " + credentials_.authzid, "ann@example.com bob@example.com") << "T24";
  facts_.certificate = "";
  begin("EXTERNAL");
  ASSERT_EQ(say("ann@example.com"), Status::done);
  EXPECT_FALSE(credentials_.possible) << "what the client says is no name of his";
}

TEST_F(Mechanisms, AnonymousSaysNothingOfItself) {
  begin("ANONYMOUS");
  ASSERT_EQ(say("sirhc"), Status::done);
  EXPECT_EQ(credentials_.user, "anonymous");
  EXPECT_EQ(credentials_.proof, Proof::anonymous);
}

TEST_F(Mechanisms, OfferedIsWhatCanWork) {
  FrontPolicy policy;
  policy.mechanisms = strongest_first({"LOGIN", "PLAIN", "APOP", "CRAM-MD5", "XOAUTH2", "SCRAM-SHA-256", "EXTERNAL",
                                       "SCRAM-SHA-256-PLUS", "ANONYMOUS", "GSSAPI"});
  EXPECT_THAT(offers(policy, false, facts_), ElementsAre("SCRAM-SHA-256", "CRAM-MD5", "ANONYMOUS"))
      << "nothing that shows a password";
  EXPECT_EQ(offered(policy, false, facts_, "plain"), Offered::behind_tls);
  EXPECT_EQ(offered(policy, false, facts_, "scram-sha-256-plus"), Offered::behind_tls);
  EXPECT_EQ(offered(policy, true, facts_, "SCRAM-SHA-256-PLUS"), Offered::no) << "nothing to bind to";
  EXPECT_EQ(offered(policy, true, facts_, "SCRAM-SHA-1"), Offered::no) << "not listed";
  EXPECT_EQ(offered(policy, true, facts_, "GSSAPI"), Offered::no);
  EXPECT_FALSE(offers_binding(policy, true, facts_));
  facts_.bindings = {{"tls-unique", "U"}};
  facts_.certificate = "ann";
  EXPECT_TRUE(offers_binding(policy, true, facts_));
  EXPECT_THAT(offers(policy, true, facts_), ElementsAre("EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "XOAUTH2",
                                                        "CRAM-MD5", "PLAIN", "LOGIN", "ANONYMOUS"));
  policy.plaintext_login_allowed = true;
  EXPECT_THAT(offers(policy, false, facts_),
              ElementsAre("SCRAM-SHA-256", "XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN", "ANONYMOUS"));
}

}  // namespace
}  // namespace postigo::sasl
