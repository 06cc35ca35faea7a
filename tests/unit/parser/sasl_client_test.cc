// Mechanisms towards backends: against the RFCs' own examples, against our own servers, and against ones that lie.
// Whole dialogues stand in tests/dialogue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/digest.h>

#include <ctime>
#include <set>
#include <thread>
#include <vector>

#include "parser/base/base64.h"
#include "parser/sasl/choose.h"
#include "parser/sasl/client.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/kept_keys.h"
#include "parser/sasl/mechanisms.h"
#include "parser/sasl/scram_message.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::sasl {
namespace {

using testing::HasSubstr;

class SaslClient : public testing::Test {
 protected:
  void begin(std::string_view mechanism, bool binding_listed = false) {
    client_ = find_client_mechanism(mechanism)->make({login_, &facts_, &kept_, binding_listed});
  }
  std::string initial() { return std::string(client_->initial()->reveal()); }
  std::string answer(const std::string& challenge) {
    auto said = client_->respond(challenge);
    return said ? std::string(said->reveal()) : "! " + said.error().message;
  }
  void user(Bytes name, Bytes password, Bytes authzid = "") {
    login_ = {};
    login_.authcid = name;
    login_.password = Secret(password);
    login_.authzid = authzid;
  }

  // One of our own servers, to its end; whom it took us for, or what was wrong.
  std::string against(std::string_view mechanism, const StoredSecret& secret, bool binding_listed = false) {
    begin(mechanism, binding_listed);
    FakeFacts other;
    other.said = "of-the-server";
    other.bindings = facts_.bindings;
    auto server = make_server(mechanism, {other, "mail.example.org", binding_listed});
    Credentials got;
    std::string challenge;
    auto first = client_->initial();
    Bytes said = first ? first->reveal() : Bytes();
    Status status = server->step(first ? &said : nullptr, challenge, got);
    for (int round = 0; round < 6 && status != Status::done && status != Status::malformed; ++round) {
      if (status == Status::need_secret) {
        status = server->supply(secret, challenge, got);
        continue;
      }
      std::string text = answer(challenge);
      if (text.starts_with("! ")) return text;
      Bytes octets = text;
      status = server->step(&octets, challenge, got);
    }
    if (status == Status::malformed) return "malformed";
    if (got.proof == Proof::rejected) return "rejected";
    return client_->accepted() ? got.user + (got.authzid.empty() ? "" : " as " + got.authzid) : "unproven";
  }

  FakeFacts facts_;
  KeptKeys kept_;
  BackLogin login_;
  std::unique_ptr<Client> client_;
};

TEST_F(SaslClient, Rfc5802Example) {
  user("user", "pencil");
  facts_.said = "fyko+d2lbbFgONRv9qkxdawL";
  begin("SCRAM-SHA-1");
  EXPECT_EQ(initial(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(answer("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_FALSE(client_->accepted()) << "it has not proven anything yet";
  EXPECT_EQ(answer("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), "");
  EXPECT_TRUE(client_->accepted());
  EXPECT_TRUE(client_->complete());
}

TEST_F(SaslClient, Rfc7677Example) {
  user("user", "pencil");
  facts_.said = "rOprNGfwEbeRWgbNEkqO";
  begin("SCRAM-SHA-256");
  EXPECT_EQ(initial(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), "");
  EXPECT_TRUE(client_->accepted());
}

TEST_F(SaslClient, OurOwnServersUnderstandIt) {
  const StoredSecret right = secret_of_password("pencil"), wrong = secret_of_password("pen");
  facts_.bindings["tls-exporter"] = "of the connection";
  for (std::string_view name : {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"}) {
    user("bo=b,", "pencil");
    EXPECT_EQ(against(name, right, true), "bo=b,") << name;
    EXPECT_EQ(against(name, wrong, true), "rejected") << name;
    user("master", "pencil", "ann");
    EXPECT_EQ(against(name, right, true), "master as ann") << name;
  }
  user("ann", "pencil");
  EXPECT_EQ(against("CRAM-MD5", right), "ann");
  EXPECT_EQ(against("CRAM-MD5", wrong), "rejected");
  EXPECT_EQ(against("PLAIN", {}), "ann");
  EXPECT_EQ(against("LOGIN", {}), "ann");
  user("a=n,n", "to.ken");
  EXPECT_EQ(against("OAUTHBEARER", {}), "a=n,n");
  EXPECT_EQ(against("XOAUTH2", {}), "a=n,n");
}

TEST_F(SaslClient, T25_ACutListIsNoticed) {
  const StoredSecret right = secret_of_password("pencil");
  user("ann", "pencil");
  facts_.bindings["tls-exporter"] = "of the connection";
  begin("SCRAM-SHA-256", false);
  EXPECT_EQ(initial().substr(0, 3), "y,,") << "we could, and believe that it cannot";
  begin("SCRAM-SHA-256", true);
  EXPECT_EQ(initial().substr(0, 3), "n,,") << "this one was asked for, though it could";
  facts_.bindings.clear();
  begin("SCRAM-SHA-256", false);
  EXPECT_EQ(initial().substr(0, 3), "n,,");
}

// What is between the two sees another connection than we do.
TEST_F(SaslClient, T25_WhoIsInBetweenCannotPassItOn) {
  user("ann", "pencil");
  facts_.bindings["tls-exporter"] = "ours";
  begin("SCRAM-SHA-256-PLUS", true);
  FakeFacts other;
  other.said = "of-the-server";
  other.bindings["tls-exporter"] = "theirs";
  auto server = make_server("SCRAM-SHA-256-PLUS", {other, "mail.example.org", true});
  Credentials got;
  std::string challenge, first = initial();
  Bytes said = first;
  ASSERT_EQ(server->step(&said, challenge, got), Status::need_secret);
  ASSERT_EQ(server->supply(secret_of_password("pencil"), challenge, got), Status::challenge);
  std::string proof = answer(challenge);
  said = proof;
  EXPECT_EQ(server->step(&said, challenge, got), Status::done);
  EXPECT_EQ(got.proof, Proof::rejected);
}

TEST_F(SaslClient, T76_PasswordsOfEveryCharacterSet) {
  user("j\xc3\xb6rg", "p\xc2\xaa");  // SASLprep makes "a" of the ordinal indicator (RFC 4013 3)
  EXPECT_EQ(against("SCRAM-SHA-256", secret_of_password("pa")), "j\xc3\xb6rg");
  user("ann", "p\xe4ss");  // no UTF-8: as it is
  EXPECT_EQ(against("SCRAM-SHA-256", secret_of_password("p\xe4ss")), "ann");
}

TEST_F(SaslClient, ServersThatLie) {
  user("user", "pencil");
  facts_.said = "ours";
  const std::string salt = ",s=W22ZaJ0SNY7soEsUEjb6gQ==", count = ",i=4096";
  for (const std::string& text : {std::string(),
                                  "r=ours" + salt + count,
                                  "r=theirs" + salt + count,
                                  "r=oursX" + salt,
                                  "r=oursX" + count,
                                  "r=oursX,s=" + count,
                                  "r=oursX,s=?" + count,
                                  "r=oursX" + salt + ",i=04096",
                                  "r=oursX" + salt + ",i=4096x",
                                  "r=oursX" + salt + ",i=-1",
                                  "r=oursX" + salt + ",i=0",
                                  "r=oursX" + salt + ",i=4095",
                                  "r=oursX" + salt + ",i=20001",
                                  "r=oursX" + salt + ",i=99999999999",
                                  "r=oursX" + salt + count + ",",
                                  "r=oursX" + salt + count + ",m=x",
                                  "m=x,r=oursX" + salt + count,
                                  "r=ours X" + salt + count,
                                  "r=ours" + std::string(600, 'x') + salt + count,
                                  std::string("r=ours\0X", 8) + salt + count}) {
    begin("SCRAM-SHA-256");
    static_cast<void>(initial());
    EXPECT_THAT(answer(text), HasSubstr("! the backend")) << text;
    EXPECT_FALSE(client_->accepted()) << text;
  }
  begin("SCRAM-SHA-256");
  static_cast<void>(initial());
  EXPECT_EQ(answer("r=oursX" + salt + count + ",x=extension").substr(0, 2), "c=") << "which need not be understood";
}

TEST_F(SaslClient, ProofsThatAreNone) {
  user("user", "pencil");
  facts_.said = "rOprNGfwEbeRWgbNEkqO";
  for (const char* text : {"", "v=", "v=AAAA", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "x=y", "V=6rri", "v",
                           "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4"}) {
    begin("SCRAM-SHA-256");
    static_cast<void>(initial());
    ASSERT_EQ(
        answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").substr(0, 2),
        "c=");
    EXPECT_THAT(answer(text), HasSubstr("! the backend")) << text;
    EXPECT_FALSE(client_->accepted()) << text;
  }
}

TEST_F(SaslClient, WithoutARandomNonceThereIsNoScram) {
  user("user", "pencil");
  client_ = find_client_mechanism("SCRAM-SHA-256")->make({login_});
  EXPECT_EQ(initial(), "n,,n=user,r=");
  EXPECT_THAT(answer("r=X,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), HasSubstr("! the backend"));
}

TEST(KeptKeys, AreThoseOfWhatWasAsked) {
  KeptKeys kept;
  std::set<std::string> all;
  for (int round = 0; round < 2; ++round) {
    for (const char* password : {"one", "other"}) {
      for (const char* salt : {"salt", "more"}) {
        for (unsigned iterations : {1U, 2U}) {
          ClientKeys got = kept.get(EVP_sha256(), password, salt, iterations);
          EXPECT_TRUE(
              got.client_key.equals(derive_client_keys(EVP_sha256(), password, salt, iterations).client_key.reveal()));
          EXPECT_TRUE(kept.get(EVP_sha256(), password, salt, iterations).server_key.equals(got.server_key.reveal()));
          all.emplace(got.client_key.reveal());
        }
      }
    }
  }
  EXPECT_EQ(all.size(), 8U);
  EXPECT_EQ(kept.get(EVP_sha1(), "one", "salt", 1).client_key.size(), 20U);
}

TEST(KeptKeys, OfManyThreadsAtATime) {
  KeptKeys kept;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&kept, i] {
      const std::string password = "password" + std::to_string(i % 2);
      const Secret right = derive_client_keys(EVP_sha256(), password, "salt", 1).client_key;
      for (int n = 0; n < 500; ++n) {
        EXPECT_TRUE(kept.get(EVP_sha256(), password, "salt", 1).client_key.equals(right.reveal()));
      }
    });
  }
  for (std::thread& each : threads) each.join();
}

// A directory's secret for each of many users must not push the master's out.
TEST(KeptKeys, OfSeveralSecrets) {
  KeptKeys kept;
  const auto made_in = [&](const std::string& password) {
    const clock_t begun = clock();
    kept.get(EVP_sha256(), password, "salt" + password, 20'000);
    return clock() - begun;
  };
  const clock_t once = made_in("master");
  for (int i = 0; i < 8; ++i) made_in("user" + std::to_string(i));
  EXPECT_LT(made_in("master"), once / 4);
}

// --- which one ---

struct Choice {
  std::string chosen(std::set<std::string, std::less<>> listed) {
    policy.channel = &facts;
    auto row = choose(policy, login, [&](std::string_view name) { return listed.contains(name); });
    if (!row) return "! " + row.error().message;
    return *row == nullptr ? "the password itself" : std::string((*row)->name);
  }
  FakeFacts facts;
  BackPolicy policy;
  BackLogin login;
};

TEST(SaslChoice, T24_WhoActsAsAnotherIsNeverLoggedInAsHimself) {
  Choice made;
  made.login.authcid = "web";
  made.login.authzid = "ann";
  for (const char* name : {"CRAM-MD5", "LOGIN"}) {
    made.policy.mechanism = name;
    EXPECT_THAT(made.chosen({name}), testing::HasSubstr("cannot say whom")) << name;
  }
  made.policy.mechanism = "SCRAM-SHA-256";
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256"}), "SCRAM-SHA-256");
}

TEST(SaslChoice, AutoIsTheStrongestForASecretOfOurs) {
  Choice made;
  made.policy.mechanism = kStrongest;
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256", "PLAIN"}), "the password itself") << "a client's own";
  made.login.master = true;
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}), "SCRAM-SHA-256");
  EXPECT_EQ(made.chosen({"SCRAM-SHA-1", "PLAIN", "CRAM-MD5"}), "SCRAM-SHA-1");
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}), "SCRAM-SHA-256") << "nothing to bind to";
  made.facts.bindings["tls-exporter"] = "x";
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}), "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(made.chosen({"CRAM-MD5", "PLAIN"}), "the password itself") << "CRAM-MD5 is not strong";
  EXPECT_EQ(made.chosen({}), "the password itself");
}

TEST(SaslChoice, NothingWeakerThanWhatIsNamed) {
  Choice made;
  made.policy.mechanism = "SCRAM-SHA-256";
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}), "SCRAM-SHA-256") << "also for a client's own";
  EXPECT_THAT(made.chosen({"SCRAM-SHA-1", "PLAIN", "LOGIN"}), HasSubstr("! the backend does not offer SCRAM-SHA-256"));
  made.policy.mechanism = "SCRAM-SHA-256-PLUS";
  EXPECT_THAT(made.chosen({"SCRAM-SHA-256-PLUS"}), HasSubstr("it needs TLS 1.3"));
  made.policy.mechanism = "PLAIN";
  EXPECT_EQ(made.chosen({"SCRAM-SHA-256"}), "the password itself");
}

TEST(SaslChoice, TokensAndCertificates) {
  Choice made;
  made.policy.mechanism = "SCRAM-SHA-256";
  made.login.key = DoorKey::token;
  EXPECT_EQ(made.chosen({"XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256"}), "OAUTHBEARER");
  EXPECT_EQ(made.chosen({"XOAUTH2", "PLAIN"}), "XOAUTH2");
  EXPECT_THAT(made.chosen({"PLAIN"}), HasSubstr("! the backend offers no mechanism for tokens"));
  made.policy.mechanism = "EXTERNAL";
  made.login.key = DoorKey::certificate;
  EXPECT_EQ(made.chosen({"EXTERNAL", "PLAIN"}), "EXTERNAL");
  EXPECT_THAT(made.chosen({"PLAIN"}), HasSubstr("! the backend does not offer EXTERNAL"));
  made.login.key = DoorKey::password;
  EXPECT_EQ(made.chosen({"EXTERNAL", "PLAIN"}), "the password itself") << "whom it does not speak for";
}

}  // namespace
}  // namespace postigo::sasl
