// Which tokens are good, and in how many ways others are not.
#include "backends/oauth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/backends/tokens.h"

namespace postigo::oauth {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using What = Opinion::What;

constexpr int64_t kNow = 1'800'000'000;

const Signer& signer() {
  static const Signer one;
  return one;
}

class Jwt : public testing::Test {
 protected:
  static json claims() {
    return {{"iss", "https://issuer.test"},
            {"aud", "imap"},
            {"exp", kNow + 300},
            {"email", "joe@example.com"},
            {"scope", "mail openid"}};
  }
  Opinion judge(const std::string& token) const {
    return judge_token(token, JwkSet::parse(signer().keys().dump()).value(), terms_, kNow);
  }
  Opinion judge(const json& claims, const std::string& algorithm = "RS256", const std::string& id = "r") const {
    return judge(signer().token(algorithm, id, claims));
  }
  static json with(const char* name, const json& value) {
    json all = claims();
    all[name] = value;
    return all;
  }
  static json without(const char* name) {
    json all = claims();
    all.erase(name);
    return all;
  }

  Terms terms_{
      "https://issuer.test", {"pop", "imap"}, {"mail"}, {"RS256", "RS512", "PS256", "ES256", "EDDSA"}, "email", 60};
};

TEST_F(Jwt, EachKindOfKeySigns) {
  for (auto [algorithm, id] :
       {std::pair("RS256", "r"), {"RS512", "r"}, {"PS256", "r"}, {"ES256", "e"}, {"EdDSA", "d"}}) {
    Opinion opinion = judge(claims(), algorithm, id);
    EXPECT_EQ(opinion.what, What::good) << algorithm << ": " << opinion.why;
    EXPECT_EQ(opinion.user, "joe@example.com");
    EXPECT_EQ(opinion.expires_s, kNow + 300);
    std::string token = signer().token(algorithm, id, claims());
    token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
    EXPECT_THAT(judge(token).why, HasSubstr("signature is wrong")) << algorithm;
  }
}

TEST_F(Jwt, WhoChangesTheClaimsHasNoSignature) {
  const std::string good = signer().token("RS256", "r", claims()),
                    other = signer().token("RS256", "r", with("email", "eve@x"));
  const size_t body = good.find('.'), mark = good.rfind('.');
  EXPECT_EQ(judge(good.substr(0, body) + other.substr(body, other.rfind('.') - body) + good.substr(mark)).what,
            What::bad);
}

// CVE-2015-9235 and its kin: what the token says of itself decides nothing.
TEST_F(Jwt, AlgorithmsAreNotConfused) {
  terms_.algorithms = {"RS256", "ES256", "HS256", "NONE"};
  EXPECT_NE(judge(claims(), "none").what, What::good);
  EXPECT_NE(judge(claims(), "HS256").what, What::good);
  EXPECT_EQ(judge(claims(), "ES256", "r").what, What::unknown_key) << "an RSA key does not verify ES256";
  EXPECT_EQ(judge(claims(), "rs256").what, What::unknown_key) << "algorithms have their case";
  terms_.algorithms = {"ES256"};
  EXPECT_THAT(judge(claims()).why, HasSubstr("(alg)"));
}

TEST_F(Jwt, AKeyThatSaysItsAlgorithmServesNoOther) {
  json key = signer().rsa_key();
  key["alg"] = "PS256";
  auto keys = JwkSet::parse(json{{"keys", {key}}}.dump()).value();
  EXPECT_EQ(judge_token(signer().token("PS256", "r", claims()), keys, terms_, kNow).what, What::good);
  EXPECT_EQ(judge_token(signer().token("RS256", "r", claims()), keys, terms_, kNow).what, What::unknown_key);
}

TEST_F(Jwt, WhatMustBeTrueIs) {
  EXPECT_THAT(judge(with("iss", "https://issuer.test/")).why, HasSubstr("(iss)"));
  EXPECT_THAT(judge(without("iss")).why, HasSubstr("(iss)"));
  EXPECT_THAT(judge(with("aud", json::array({"other", "third"}))).why, HasSubstr("(aud)"));
  EXPECT_EQ(judge(with("aud", json::array({"other", "imap"}))).what, What::good);
  EXPECT_THAT(judge(without("aud")).why, HasSubstr("(aud)"));
  EXPECT_THAT(judge(without("exp")).why, HasSubstr("never ends"));
  EXPECT_THAT(judge(with("exp", "tomorrow")).why, HasSubstr("never ends"));
  EXPECT_EQ(judge(with("exp", kNow - 59)).what, What::good) << "clocks differ";
  EXPECT_THAT(judge(with("exp", kNow - 60)).why, HasSubstr("over"));
  EXPECT_THAT(judge(with("nbf", kNow + 61)).why, HasSubstr("not come"));
  EXPECT_EQ(judge(with("nbf", kNow + 60)).what, What::good);
  EXPECT_THAT(judge(with("iat", kNow + 61)).why, HasSubstr("future"));
  EXPECT_EQ(judge(with("exp", 1e300)).what, What::bad) << "no time";
  EXPECT_EQ(judge(with("scope", "mailx openid")).what, What::no_scope);
  EXPECT_EQ(judge(with("scope", json::array({"mail"}))).what, What::good);
  EXPECT_THAT(judge(without("email")).why, HasSubstr("does not name"));
  EXPECT_THAT(judge(with("email", json::array({"joe@example.com"}))).why, HasSubstr("does not name"));
  EXPECT_THAT(judge(with("email", "a\r\nb")).why, HasSubstr("is none"));
  EXPECT_THAT(judge(with("email_verified", false)).why, HasSubstr("never verified"));
}

TEST_F(Jwt, WhatIsNoToken) {
  const std::string good = signer().token("RS256", "r", claims());
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), good + ".x", good.substr(0, good.rfind('.')),
        good.substr(0, good.rfind('.') + 1), good + "=", good + "\n", "x" + good, std::string(16 * 1024 + 1, 'a')}) {
    EXPECT_EQ(judge(text).what, What::bad) << text.substr(0, 40);
  }
}

// Two readers could take two of them, or one could be led to do what the other does not.
TEST_F(Jwt, WhatCouldBeReadInTwoWaysIsRefused) {
  auto made = [](const std::string& header, const std::string& body) { return signer().raw(header, body, "RS256"); };
  const std::string head = R"({"alg":"RS256","kid":"r"})", body = claims().dump();
  EXPECT_EQ(judge(made(head, body)).what, What::good);
  EXPECT_EQ(judge(made(R"({"alg":"RS256","kid":"r","alg":"none"})", body)).what, What::bad);
  EXPECT_EQ(judge(made(head, body.substr(0, body.size() - 1) + R"(,"email":"eve@x"})")).what, What::bad);
  for (const char* more : {R"("crit":["exp"])", R"("b64":false)", R"("cty":"JWT")"}) {
    EXPECT_EQ(judge(made(std::string(R"({"alg":"RS256","kid":"r",)") + more + '}', body)).what, What::bad) << more;
  }
  std::string deep = body.substr(0, body.size() - 1) + ",\"x\":" + std::string(50, '[') + std::string(50, ']') + '}';
  EXPECT_EQ(judge(made(head, deep)).what, What::bad);
  EXPECT_EQ(judge(made(head, "[]")).what, What::bad);
}

TEST_F(Jwt, WhatIsNoKey) {
  auto error = [](const json& key) { return JwkSet::parse(json{{"keys", {key}}}.dump()).error().message; };
  EXPECT_THAT(error(Signer(1024).rsa_key()), HasSubstr("1024 bits"));
  json key = signer().ec_key();
  key["y"] = key["x"];
  EXPECT_THAT(error(key), HasSubstr("damaged EC key"));
  key = signer().rsa_key();
  key["use"] = "enc";
  EXPECT_THAT(error(key), HasSubstr("no key that signs"));
  EXPECT_THAT(error({{"kty", "oct"}, {"k", "c2VjcmV0"}}), HasSubstr("no key that signs"));
  EXPECT_FALSE(JwkSet::parse("{}"));
  EXPECT_FALSE(JwkSet::parse("[]"));
  EXPECT_FALSE(JwkSet::parse("{\"keys\":[1]}"));
  EXPECT_FALSE(JwkSet::parse(std::string(300'000, ' ')));
}

TEST_F(Jwt, IntrospectionSpeaksForItself) {
  auto told = [&](const json& said) { return judge_introspection(said.dump(), terms_, kNow); };
  json active = claims();
  active["active"] = true;
  active.erase("exp");
  active.erase("iss");
  EXPECT_EQ(told(active).what, What::good);
  EXPECT_EQ(told({{"active", false}}).what, What::bad);
  active["iss"] = "https://evil.test";
  EXPECT_EQ(told(active).what, What::bad);
  EXPECT_EQ(told({{"active", "true"}}).what, What::unknown_key) << "nonsense is no \"no\"";
  EXPECT_EQ(judge_introspection("<html>", terms_, kNow).what, What::unknown_key);
}

}  // namespace
}  // namespace postigo::oauth
