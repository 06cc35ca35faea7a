// The directory of tokens: where its keys come from, what it does while nobody can be asked, and what it answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "backends/directory/source.h"
#include "tests/fakes/fake_env.h"
#include "tests/unit/backends/temporary.h"
#include "tests/unit/backends/tokens.h"

namespace postigo {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kIssuer = "https://issuer.test/realm";

const Signer& signer() {
  static const Signer one;
  return one;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

class OAuth : public testing::Test {
 protected:
  OAuth() {
    settings_.name = "tokens";
    settings_.type = config::Directory::Type::oauth;
    settings_.oauth.issuer = kIssuer;
  }
  void open() { directory_ = load_oauth_directory(settings_).value()->make(env_); }
  std::string error() { return load_oauth_directory(settings_).error().message; }

  json claims() { return {{"iss", kIssuer}, {"exp", env_.unix_time_s() + 300}, {"email", "joe@example.com"}}; }
  void ask(const std::string& token, Want want = Want::token) {
    Query query;
    query.user = "joe@example.com";
    query.password = Secret(token);
    query.mechanism = "OAUTHBEARER";
    query.protocol = "imap";
    query.want = want;
    result_.reset();
    lookup_.emplace([this](LookupResult result) { result_ = std::move(result); });
    directory_->start(*lookup_, query);
    EXPECT_FALSE(result_) << "an answer from inside start()";
    env_.run();
  }
  void told(long status, const json& body) { told(status, body.dump()); }
  void told(long status, const std::string& body) {
    ASSERT_FALSE(env_.asked.empty());
    env_.answer({status, {}, body, status == 0 ? "connection refused" : ""});
    env_.run();
  }
  std::string url() const { return env_.asked.empty() ? "" : env_.asked.front().request.url; }
  void discover() {
    EXPECT_EQ(url(), std::string(kIssuer) + "/.well-known/openid-configuration");
    told(200, json{{"issuer", kIssuer}, {"jwks_uri", "https://issuer.test/keys"}});
    EXPECT_EQ(url(), "https://issuer.test/keys");
  }
  Verdict verdict() const { return result_ ? result_->verdict : Verdict::unusable; }

  fakes::FakeEnv env_;
  config::Directory settings_;
  std::unique_ptr<Directory> directory_;
  std::optional<Lookup> lookup_;
  std::optional<LookupResult> result_;
};

TEST_F(OAuth, LearnsTheKeysWhenTheFirstTokenComes) {
  open();
  ask(signer().token("ES256", "e", claims()));
  EXPECT_FALSE(result_);
  discover();
  told(200, signer().keys());
  ASSERT_EQ(verdict(), Verdict::ok);
  EXPECT_EQ(result_->identity.user, "joe@example.com");
  EXPECT_TRUE(result_->identity.verified);
  ask(signer().token("RS256", "r", claims()));
  EXPECT_EQ(verdict(), Verdict::ok);
  EXPECT_TRUE(env_.asked.empty()) << "nobody is asked again";
}

TEST_F(OAuth, OneWorkerAsksOnceForAllThatWait) {
  open();
  std::vector<std::unique_ptr<Lookup>> lookups;
  int ok = 0;
  Query query;
  query.password = Secret(signer().token("EdDSA", "d", claims()));
  query.want = Want::token;
  for (int i = 0; i < 10; ++i) {
    lookups.push_back(
        std::make_unique<Lookup>([&](const LookupResult& result) { ok += result.verdict == Verdict::ok; }));
    directory_->start(*lookups.back(), query);
  }
  env_.run();
  lookups[3].reset();  // this one has left
  EXPECT_EQ(env_.asked.size(), 1u);
  discover();
  told(200, signer().keys());
  EXPECT_EQ(ok, 9);
}

TEST_F(OAuth, WhoIsAwayIsNoNo) {
  open();
  ask(signer().token("ES256", "e", claims()));
  told(0, std::string());
  EXPECT_EQ(verdict(), Verdict::try_later);
  EXPECT_EQ(result_->detail, "directory tokens: discovery: connection refused");
  ask(signer().token("ES256", "e", claims()));
  EXPECT_EQ(verdict(), Verdict::try_later) << "at once";
  EXPECT_TRUE(env_.asked.empty()) << "nobody is asked again for a while";
  for (const std::string& nonsense :
       {std::string("<html>"), std::string("[]"), json{{"issuer", "https://evil.test"}}.dump()}) {
    env_.advance(10'000);
    ask(signer().token("ES256", "e", claims()));
    told(200, nonsense);
    EXPECT_EQ(verdict(), Verdict::try_later) << nonsense;
  }
  env_.advance(10'000);
  ask(signer().token("ES256", "e", claims()));
  discover();
  told(200, signer().keys());
  EXPECT_EQ(verdict(), Verdict::ok) << "it recovers by itself";
}

TEST_F(OAuth, KeysServeOnWhileNobodyHasNewerOnes) {
  settings_.oauth.jwks = "https://issuer.test/keys";
  open();
  ask(signer().token("ES256", "e", claims()));
  told(200, signer().keys());
  env_.advance(3'600'000);
  ask(signer().token("ES256", "e", claims()));
  EXPECT_EQ(verdict(), Verdict::ok) << "nobody waits for the newer ones";
  EXPECT_EQ(url(), "https://issuer.test/keys");
  told(503, std::string());
  ask(signer().token("ES256", "e", claims()));
  EXPECT_EQ(verdict(), Verdict::ok);
}

// The issuer has a new key. Tokens with made-up keys do not make us ask without end.
TEST_F(OAuth, AKeyThatIsNewIsLearnt) {
  settings_.oauth.jwks = "https://issuer.test/keys";
  open();
  ask(signer().token("ES256", "e", claims()));
  told(200, json{{"keys", {signer().ec_key()}}});
  EXPECT_EQ(verdict(), Verdict::ok);
  env_.advance(60'000);
  ask(signer().token("RS256", "r", claims()));
  told(200, signer().keys());
  EXPECT_EQ(verdict(), Verdict::ok);
  for (int i = 0; i < 5; ++i) {
    ask(signer().token("RS256", "made-up", claims()));
    EXPECT_EQ(verdict(), Verdict::bad_credentials);
  }
  EXPECT_TRUE(env_.asked.empty());
  env_.advance(60'000);
  ask(signer().token("RS256", "made-up", claims()));
  told(0, std::string());
  EXPECT_EQ(verdict(), Verdict::try_later) << "a newer set might have it";
}

TEST_F(OAuth, KeysFromAFile) {
  Temporary place;
  settings_.oauth.jwks = place.file("keys.json");
  EXPECT_THAT(error(), HasSubstr("directory tokens: oauth.jwks: cannot read"));
  write(settings_.oauth.jwks, "{}");
  EXPECT_THAT(error(), HasSubstr("oauth.jwks: no set of keys"));
  write(settings_.oauth.jwks, signer().keys().dump());
  open();
  ask(signer().token("ES256", "e", claims()));
  EXPECT_EQ(verdict(), Verdict::ok);
}

TEST_F(OAuth, WhatIsMissingIsToldWithItsKey) {
  settings_.oauth.issuer = "mail";
  EXPECT_THAT(error(), HasSubstr("oauth.issuer is no URL"));
  settings_.oauth.discovery = false;
  EXPECT_THAT(error(), HasSubstr("without oauth.discovery"));
  settings_.oauth.introspection = "here";
  EXPECT_THAT(error(), HasSubstr("oauth.introspection is no URL"));
}

// Else whoever is between us and the keys would make tokens of his own good, whatever TLS has proven before.
TEST_F(OAuth, NobodyIsLedFromHttpsToHttp) {
  open();
  ask(signer().token("ES256", "e", claims()));
  told(200, json{{"issuer", kIssuer}, {"jwks_uri", "http://issuer.test/keys"}});
  EXPECT_EQ(verdict(), Verdict::try_later);
  EXPECT_THAT(result_->detail, HasSubstr("leads from https to http"));
  EXPECT_TRUE(env_.asked.empty());
  env_.advance(10'000);
  ask(signer().token("ES256", "e", claims()));
  told(200, json{{"issuer", kIssuer}, {"introspection_endpoint", "http://issuer.test/introspect"}});
  EXPECT_EQ(verdict(), Verdict::try_later);
  EXPECT_TRUE(env_.asked.empty()) << "a token would go there";
}

TEST_F(OAuth, AClientIsToldWhatItLacks) {
  settings_.oauth.jwks = "https://issuer.test/keys";
  settings_.oauth.scopes = {"mail"};
  open();
  ask(signer().token("ES256", "e", claims()));
  told(200, signer().keys());
  EXPECT_EQ(verdict(), Verdict::bad_credentials);
  EXPECT_EQ(json::parse(result_->token_error),
            (json{{"status", "insufficient_scope"},
                  {"scope", "mail"},
                  {"openid-configuration", std::string(kIssuer) + "/.well-known/openid-configuration"}}));
  ask("no.to.ken");
  EXPECT_EQ(json::parse(result_->token_error)["status"], "invalid_token");
}

TEST_F(OAuth, TheIssuerIsAskedAboutEachToken) {
  settings_.oauth.introspection = "https://issuer.test/introspect";
  settings_.login = "postigo";
  settings_.password = Secret("canary");
  open();
  ask("a+b/c=");
  const HttpRequest& request = env_.asked.front().request;
  EXPECT_EQ(request.url, "https://issuer.test/introspect");
  EXPECT_EQ(request.body.reveal(), "token=a%2Bb%2Fc%3D&token_type_hint=access_token");
  EXPECT_EQ(request.login, "postigo");
  json active = claims();
  active["active"] = true;
  told(200, active);
  EXPECT_EQ(verdict(), Verdict::ok);
  ask("x");
  told(200, json{{"active", false}});
  EXPECT_EQ(verdict(), Verdict::bad_credentials);
  for (auto [status, body] : {std::pair(500L, ""), {401L, ""}, {200L, "<html>"}, {0L, ""}}) {
    ask("x");
    told(status, std::string(body));
    EXPECT_EQ(verdict(), Verdict::try_later) << status;
    EXPECT_THAT(result_->detail, Not(HasSubstr("canary")));
  }
}

TEST_F(OAuth, OtherQuestionsAreForOthers) {
  open();
  for (Want want : {Want::verdict, Want::placement, Want::account, Want::secret}) {
    ask("x", want);
    EXPECT_EQ(verdict(), Verdict::no_such_user);
  }
  EXPECT_TRUE(env_.asked.empty());
}

TEST_F(OAuth, MayGoWhileTokensAreLookedAt) {
  open();
  ask(signer().token("ES256", "e", claims()));
  directory_.reset();
  discover();
  told(200, signer().keys());
  EXPECT_EQ(verdict(), Verdict::ok);
  open();
  ask(signer().token("ES256", "e", claims()));
  lookup_.reset();
  told(200, json{{"issuer", kIssuer}, {"jwks_uri", "https://issuer.test/keys"}});
}

}  // namespace
}  // namespace postigo
