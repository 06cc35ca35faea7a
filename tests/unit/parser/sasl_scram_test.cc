// SCRAM against the RFCs' own examples, and against clients that lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/digest.h>

#include "parser/sasl/mechanisms.h"
#include "parser/sasl/scram_message.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::sasl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Bytes kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";

class Scram : public testing::Test {
 protected:
  void begin(std::string_view mechanism, bool binding_offered = false) {
    server_ = make_server(mechanism, Setting{facts_, "mail.example.org", binding_offered});
    credentials_ = {};
  }
  Status say(const std::string& text) {
    Bytes bytes = text;
    return server_->step(&bytes, challenge_, credentials_);
  }
  Status supply(const StoredSecret& secret) { return server_->supply(secret, challenge_, credentials_); }

  // A client with this password, from its first message to the end; `binding`: what it believes to be bound to.
  Status log_in(const std::string& header, const std::string& binding, Bytes password, const StoredSecret& secret,
                const EVP_MD* hash = EVP_sha256()) {
    const std::string bare = "n=user,r=abc";
    Status status = say(header + bare);
    if (status != Status::need_secret) return status;
    EXPECT_EQ(supply(secret), Status::challenge);
    const std::string first = challenge_;
    const std::string nonce = first.substr(2, first.find(',') - 2);
    const std::string without = "c=" + base64_encode(header + binding) + ",r=" + nonce;
    Secret made = salted(hash, password, salt_of(first), iterations_of(first));
    const std::string said = bare + "," + first + "," + without;
    Secret key = hmac(hash, made.reveal(), "Client Key");
    Secret signature = hmac(hash, digest(hash, key.reveal()).reveal(), said);
    std::string proof(key.reveal());
    for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature.reveal()[i]);
    status = say(without + ",p=" + base64_encode(proof));
    if (status != Status::challenge) return status;
    EXPECT_EQ(challenge_,
              "v=" + base64_encode(hmac(hash, hmac(hash, made.reveal(), "Server Key").reveal(), said).reveal()))
        << "we prove that we know the keys, too";
    return say("");
  }
  static std::string salt_of(const std::string& first) {
    size_t from = first.find(",s=") + 3;
    return std::string(base64_decode(first.substr(from, first.find(",i=") - from))->reveal());
  }
  static unsigned iterations_of(const std::string& first) {
    return static_cast<unsigned>(std::stoul(first.substr(first.find(",i=") + 3)));
  }

  FakeFacts facts_;
  std::unique_ptr<Server> server_;
  std::string challenge_;
  Credentials credentials_;
};

TEST_F(Scram, ExampleOfRfc5802) {
  facts_.said = "3rfcNHYJY1ZVvWVs7j";
  begin("scram-sha-1");
  ASSERT_EQ(say("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), Status::need_secret);
  EXPECT_EQ(credentials_.user, "user");
  EXPECT_EQ(credentials_.mechanism, "SCRAM-SHA-1");
  ASSERT_EQ(supply(secret_of_password("pencil", "QSXCR+Q6sek8bf92")), Status::challenge);
  EXPECT_EQ(challenge_, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  ASSERT_EQ(say("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
            Status::challenge);
  EXPECT_EQ(challenge_, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
  ASSERT_EQ(say(""), Status::done);
  EXPECT_EQ(credentials_.proof, Proof::proven);
}

TEST_F(Scram, ExampleOfRfc7677) {
  facts_.said = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  begin("SCRAM-SHA-256");
  ASSERT_EQ(say("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), Status::need_secret);
  ASSERT_EQ(supply(secret_of_password("pencil", kSalt)), Status::challenge);
  EXPECT_EQ(challenge_, "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  ASSERT_EQ(say("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
            Status::challenge);
  EXPECT_EQ(challenge_, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  ASSERT_EQ(say(""), Status::done);
  EXPECT_EQ(credentials_.proof, Proof::proven);
}

TEST_F(Scram, A21_AWrongPasswordAndAnUnknownNameLookAlike) {
  auto attempt = [&](const StoredSecret& secret, Bytes password) {
    begin("SCRAM-SHA-256");
    EXPECT_EQ(log_in("n,,", "", password, secret), Status::done);
    EXPECT_EQ(credentials_.proof, Proof::rejected);
    return challenge_;
  };
  std::string wrong = attempt(secret_of_password("pencil", kSalt), "pen");
  std::string unknown = attempt({}, "pencil");
  EXPECT_EQ(wrong.size(), unknown.size());
  EXPECT_EQ(iterations_of(wrong), iterations_of(unknown));
  EXPECT_EQ(salt_of(wrong).size(), salt_of(unknown).size());
  EXPECT_EQ(attempt({}, "pencil"), unknown) << "the salt of nobody is always the same, as one that is kept";
  // What is shown of one who does not exist must not be what would let him in: keys that anybody could compute.
  begin("SCRAM-SHA-256");
  ASSERT_EQ(say("n,,n=other,r=abc"), Status::need_secret);
  ASSERT_EQ(supply({}), Status::challenge);
  EXPECT_NE(salt_of(challenge_), salt_of(unknown)) << "another name, another salt";
}

TEST_F(Scram, A21_WhoDoesNotExistHasKeysAsOthersHaveThem) {
  for (uint32_t size : {8U, 16U, 24U, 64U, 100U}) {
    StoredSecret nothing;
    nothing.decoy = {15000, size};
    std::string salts[2];
    for (std::string& salt : salts) {
      begin("SCRAM-SHA-1");
      ASSERT_EQ(say("n,,n=other,r=abc"), Status::need_secret);
      ASSERT_EQ(supply(nothing), Status::challenge);
      EXPECT_EQ(iterations_of(challenge_), 15000U);
      salt = salt_of(challenge_);
      EXPECT_EQ(salt.size(), size);
    }
    EXPECT_EQ(salts[0], salts[1]) << "always the same";
  }
}

TEST_F(Scram, ADamagedEntryIsAsGoodAsNone) {
  for (unsigned which : {0U, 1U, 2U, 3U}) {
    StoredSecret secret = secret_of_password("pencil", kSalt);
    if (which == 0) secret.sha256->iterations = 0;
    if (which == 1) secret.sha256->iterations = 4'000'000'000;
    if (which == 2) secret.sha256->salt.clear();
    if (which == 3) secret.sha256->stored_key = Secret("short");
    begin("SCRAM-SHA-256");
    ASSERT_EQ(say("n,,n=user,r=abc"), Status::need_secret);
    ASSERT_EQ(supply(secret), Status::challenge);
    EXPECT_EQ(iterations_of(challenge_), kScramIterations) << which;
  }
}

TEST_F(Scram, A9_TheBindingMustBeThatOfThisConnection) {
  facts_.bindings = {{"tls-exporter", "E"}, {"tls-unique", "U"}};
  const StoredSecret secret = secret_of_password("pencil", kSalt);
  struct Row {
    std::string header, binding;
    Proof proof;
  };
  for (const Row& row : {Row{"p=tls-exporter,,", "E", Proof::proven}, Row{"p=tls-unique,,", "U", Proof::proven},
                         Row{"p=tls-exporter,,", "U", Proof::rejected}, Row{"p=tls-exporter,,", "", Proof::rejected},
                         Row{"p=tls-exporter,,", "EE", Proof::rejected}}) {
    begin("SCRAM-SHA-256-PLUS", true);
    ASSERT_EQ(log_in(row.header, row.binding, "pencil", secret), Status::done);
    EXPECT_EQ(credentials_.proof, row.proof) << row.header << row.binding;
    EXPECT_TRUE(credentials_.possible);
  }
  begin("SCRAM-SHA-256-PLUS", true);
  ASSERT_EQ(log_in("p=tls-server-end-point,,", "", "pencil", secret), Status::done);
  EXPECT_FALSE(credentials_.possible) << "this connection has none of that type";
  begin("SCRAM-SHA-1-PLUS", true);
  ASSERT_EQ(log_in("p=tls-unique,,", "U", "pencil", secret, EVP_sha1()), Status::done);
  EXPECT_EQ(credentials_.proof, Proof::proven);
}

TEST_F(Scram, A9_TheHeaderIsSaidTwiceAlike) {
  begin("SCRAM-SHA-256");
  ASSERT_EQ(say("n,,n=user,r=abc"), Status::need_secret);
  ASSERT_EQ(supply(secret_of_password("pencil", kSalt)), Status::challenge);
  Status status =
      say("c=" + base64_encode("y,,") + ",r=abc" + facts_.said + ",p=" + base64_encode(std::string(32, 'x')));
  ASSERT_EQ(status, Status::done);
  EXPECT_EQ(credentials_.proof, Proof::rejected);
}

TEST_F(Scram, T25_WhoBelievesThatWeCannotBindHasBeenLiedTo) {
  const StoredSecret secret = secret_of_password("pencil", kSalt);
  begin("SCRAM-SHA-256", true);
  ASSERT_EQ(log_in("y,,", "", "pencil", secret), Status::done);
  EXPECT_FALSE(credentials_.possible);
  begin("SCRAM-SHA-256", true);
  ASSERT_EQ(log_in("n,,", "", "pencil", secret), Status::done);
  EXPECT_EQ(credentials_.proof, Proof::proven) << "a client that cannot bind";
  begin("SCRAM-SHA-256", false);
  ASSERT_EQ(log_in("y,,", "", "pencil", secret), Status::done);
  EXPECT_EQ(credentials_.proof, Proof::proven) << "it is right";
}

TEST_F(Scram, NoncesAreComparedWhole) {
  for (const char* nonce :
       {"abc", "abc0123456789abcdefghijklm", "abc0123456789abcdefghijklmnX", "0123456789abcdefghijklmn"}) {
    begin("SCRAM-SHA-256");
    ASSERT_EQ(say("n,,n=user,r=abc"), Status::need_secret);
    ASSERT_EQ(supply(secret_of_password("pencil", kSalt)), Status::challenge);
    Status status = say(std::string("c=biws,r=") + nonce + ",p=" + base64_encode(std::string(32, 'x')));
    ASSERT_EQ(status, Status::done) << nonce;
    EXPECT_EQ(credentials_.proof, Proof::rejected) << nonce;
  }
}

TEST_F(Scram, T23_T24_NamesAreDecodedAndPrepared) {
  begin("SCRAM-SHA-256");
  ASSERT_EQ(say("n,a=b=2Co=3Dss,n=us=2Cer,r=abc"), Status::need_secret);
  EXPECT_EQ(credentials_.user, "us,er");
  EXPECT_EQ(credentials_.authzid, "b,o=ss");
  begin("SCRAM-SHA-256");
  ASSERT_EQ(say("n,a=user,n=us\xc2\xad"
                "er,r=abc"),
            Status::need_secret)
      << "a soft hyphen is nothing (RFC 4013 2.1)";
  EXPECT_EQ(credentials_.user, "user");
  EXPECT_EQ(credentials_.authzid, "") << "to act as oneself needs nobody's permission";
}

TEST_F(Scram, A2_T7_A15_ImpossibleNames) {
  for (const std::string& name : {std::string("a\rb"), std::string("a\nb"), std::string("\xff\xfe"),
                                  std::string("a\x07"), std::string(600, 'u'), std::string("\xed\xa0\x80")}) {
    begin("SCRAM-SHA-256");
    ASSERT_EQ(say("n,,n=" + name + ",r=abc"), Status::done);
    EXPECT_FALSE(credentials_.possible);
  }
}

TEST_F(Scram, A10_WhatBreaksTheGrammar) {
  for (std::string first : {"",
                            "n",
                            "n,",
                            "n,,",
                            "n,,n=user",
                            "n,,n=user,",
                            "n,,n=,r=abc",
                            "n,,n=user,r=",
                            "n,,r=abc,n=user",
                            "x,,n=user,r=abc",
                            "p=,,n=user,r=abc",
                            "n,x=y,n=user,r=abc",
                            "n,a=,n=user,r=abc",
                            "n,,m=ext,n=user,r=abc",
                            "n,,n=us=er,r=abc",
                            "n,,n=us=2cer,r=abc",
                            "n,,n=user,r=a b",
                            "n,,n=user,r=abc,",
                            "n,,n=user,r=abc,m=1",
                            "n,,n=user,r=abc,x",
                            "n,,n=user,r=abc,x=",
                            "p=tls-exporter,,n=user,r=abc"}) {
    begin("SCRAM-SHA-256");
    EXPECT_EQ(say(first), Status::malformed) << first;
  }
  begin("SCRAM-SHA-256-PLUS", true);
  EXPECT_EQ(say("n,,n=user,r=abc"), Status::malformed) << "without a binding it is another mechanism";
  begin("SCRAM-SHA-256");
  EXPECT_EQ(say(std::string("n,,n=us\0er,r=abc", 16)), Status::malformed) << "T7";
  begin("SCRAM-SHA-256");
  EXPECT_EQ(say("n,,n=user,r=abc,x=1,y=2"), Status::need_secret) << "extensions that need not be understood";
  for (const char* final :
       {"", "c=biws", "c=biws,r=abc", "c=biws,p=AA==", "r=abc,c=biws,p=AA==", "c=biws,r=abc,m=1,p=AA==",
        "c=bi!s,r=abc,p=AA==", "c=biws,r=abc,p=A", "c=biws,r=abc,,p=AA==", "c=biws,r=abc,p=AA==,x=1"}) {
    begin("SCRAM-SHA-256");
    ASSERT_EQ(say("n,,n=user,r=abc"), Status::need_secret);
    ASSERT_EQ(supply({}), Status::challenge);
    EXPECT_EQ(say(final), Status::malformed) << final;
  }
}

}  // namespace
}  // namespace postigo::sasl
