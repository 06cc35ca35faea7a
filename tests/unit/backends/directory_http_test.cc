// Directories over HTTP: what each dialect asks, and what is made of every answer. That the world is asked at all is
// http_client_test.cc; nginx itself is asked in e2e/test_directory_http.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "backends/directory/factory.h"
#include "tests/fakes/fake_env.h"

namespace postigo {
namespace {

using fakes::FakeEnv;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using Dialect = config::HttpDirectory::Dialect;
using Json = nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

class HttpDirectoryTest : public testing::Test {
 protected:
  HttpDirectoryTest() {
    settings.name = "users";
    settings.type = config::Directory::Type::http;
    settings.check_password = true;
    settings.http.url = "http://auth.example/check";
    query.user = "joe@example.com";
    query.password = Secret("secret");
    query.mechanism = "PLAIN";
    query.protocol = "imap";
    query.client_ip = "192.0.2.7";
  }
  void use(Dialect dialect) {
    settings.http.dialect = dialect;
    auto source = load_http_directory(settings);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE((*source)->curious());
    EXPECT_FALSE((*source)->hashes()) << "the other side spends them, and the chain if others do";
    directory = (*source)->make(env);
  }
  void begin(Want want = Want::verdict) {
    query.want = want;
    result.reset();
    lookup.emplace([this](LookupResult told) { result = std::move(told); });
    directory->start(*lookup, query);
    EXPECT_FALSE(result) << "an answer from inside start()";
  }
  // What was asked of the other side, and what we make of its answer.
  LookupResult ask(HttpAnswer answer, Want want = Want::verdict) {
    begin(want);
    if (env.asked.empty()) {
      ADD_FAILURE() << "nobody was asked";
      return {};
    }
    asked = env.asked.front().request;
    env.answer(std::move(answer));
    env.run();
    EXPECT_TRUE(result.has_value());
    return result.value_or(LookupResult());
  }
  LookupResult ask(const std::string& body, Want want = Want::verdict, long status = 200) {
    return ask(HttpAnswer{.status = status, .body = body}, want);
  }
  LookupResult ask(Headers headers, Want want = Want::verdict, long status = 200) {
    return ask(HttpAnswer{.status = status, .headers = std::move(headers), .body = "{}"}, want);
  }
  // Without asking anybody.
  Verdict alone(Want want = Want::verdict) {
    begin(want);
    EXPECT_TRUE(env.asked.empty());
    env.run();
    return result.value_or(LookupResult()).verdict;
  }

  FakeEnv env;
  config::Directory settings;
  Query query;
  std::unique_ptr<Directory> directory;
  std::optional<Lookup> lookup;
  std::optional<LookupResult> result;
  HttpRequest asked;
};

class Nginx : public HttpDirectoryTest {
 protected:
  void SetUp() override { use(Dialect::nginx); }
};

TEST_F(Nginx, AsksAsNginxDoes) {
  settings.http.headers = {"X-Auth-Key: canary", "X-Auth-Port:993"};
  settings.login = "proxy";
  settings.password = Secret("key");
  settings.timeout_ms = 700;
  use(Dialect::nginx);
  query.user = "joe %\r\n\x7f\xc3\xa9";
  query.password = Secret("a b%+/=\t");
  query.circumstances = std::make_shared<Circumstances>(Circumstances{.listener = "imaps",
                                                                      .session_id = "x",
                                                                      .local_ip = "",
                                                                      .tls = true,
                                                                      .attempt = 3,
                                                                      .tls_protocol = "TLSv1.3",
                                                                      .tls_cipher = "X\r\nA: b"});
  ask(Headers{});
  EXPECT_EQ(asked.method, "GET");
  EXPECT_EQ(asked.url, "http://auth.example/check");
  EXPECT_EQ(asked.login, "proxy");
  EXPECT_EQ(asked.timeout_ms, 700u);
  EXPECT_TRUE(asked.head_alone);
  EXPECT_THAT(
      asked.headers,
      ElementsAre(Pair("Auth-Method", "plain"), Pair("Auth-User", "joe%20%25%0D%0A\x7f\xc3\xa9"),
                  Pair("Auth-Pass", "a%20b%25+/=%09"), Pair("Auth-Protocol", "imap"), Pair("Auth-Login-Attempt", "3"),
                  Pair("Client-IP", "192.0.2.7"), Pair("Auth-SSL", "on"), Pair("Auth-SSL-Protocol", "TLSv1.3"),
                  Pair("Auth-SSL-Cipher", "X%0D%0AA:%20b"), Pair("X-Auth-Key", "canary"), Pair("X-Auth-Port", "993")));
}

TEST_F(Nginx, WhoIsRightComesIn) {
  LookupResult joe = ask(Headers{{"auth-status", "OK"},
                                 {"auth-server", "192.0.2.1"},
                                 {"auth-port", "143"},
                                 {"auth-user", "joe-at-home"},
                                 {"auth-pass", "canary"},
                                 {"auth-wait", "3"}});
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_TRUE(joe.identity.verified);
  EXPECT_EQ(joe.identity.user, "joe@example.com");
  EXPECT_EQ(joe.identity.backend_user, "joe-at-home");
  EXPECT_EQ(joe.identity.backend, "192.0.2.1:143");
  EXPECT_TRUE(joe.identity.backend_password.equals("canary"));
  EXPECT_EQ(ask(Headers{{"auth-status", "OK"}, {"auth-server", "2001:db8::1"}, {"auth-port", "993"}}).identity.backend,
            "[2001:db8::1]:993");
  LookupResult plain = ask(Headers{{"auth-status", "OK"}, {"auth-user", "joe@example.com"}});
  EXPECT_EQ(plain.identity.backend_user + plain.identity.backend, "");
  EXPECT_TRUE(plain.identity.backend_password.empty());
}

TEST_F(Nginx, StatusAndBodySayNothing) {
  EXPECT_EQ(ask(Headers{{"auth-status", "OK"}}, Want::verdict, 404).verdict, Verdict::ok);
  EXPECT_EQ(ask(Headers{{"auth-status", "Invalid login or password"}}, Want::verdict, 403).verdict,
            Verdict::bad_credentials);
}

TEST_F(Nginx, ARefusalIsOneInItsWords) {
  LookupResult no = ask(Headers{{"auth-status", "Invalid login or password"}});
  EXPECT_EQ(no.verdict, Verdict::bad_credentials);
  EXPECT_EQ(no.detail, "directory users: it says \"Invalid login or password\"");
  EXPECT_EQ(ask(Headers{{"auth-status", "no such secret user"}}).detail,
            "directory users: it says a text that repeats the password");
  EXPECT_EQ(ask(Headers{{"auth-status", "ok"}}).verdict, Verdict::bad_credentials) << "nginx looks at the case";
  EXPECT_EQ(ask(Headers{{"auth-status", "x"}, {"auth-error-code", "535 5.7.0"}}).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(Headers{{"auth-status", "x"}, {"auth-error-code", "451 4.3.2"}}).verdict, Verdict::try_later);
}

TEST_F(Nginx, SilenceAndNonsenseAreNoNo) {
  EXPECT_EQ(ask(Headers{}).verdict, Verdict::try_later);
  EXPECT_EQ(ask(Headers{{"auth-server", "192.0.2.1"}, {"auth-port", "143"}}).verdict, Verdict::try_later);
  EXPECT_EQ(ask(Headers{}, Want::verdict, 404).detail, "directory users: no Auth-Status in an answer with status 404");
  EXPECT_EQ(ask(Headers{{"auth-status", "OK"}}, Want::verdict, 503).verdict, Verdict::try_later);
  EXPECT_EQ(ask(HttpAnswer{.why = "Connection refused"}).detail, "directory users: Connection refused");
  EXPECT_EQ(result->verdict, Verdict::try_later);
}

TEST_F(Nginx, ARefusalMayTakeItsTime) {
  begin();
  env.answer({.status = 200, .headers = {{"auth-status", "no"}, {"auth-wait", "3"}}});
  env.advance(2'999);
  EXPECT_FALSE(result);
  env.advance(1);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->verdict, Verdict::bad_credentials);
  begin();  // but not for ever
  env.answer({.status = 200, .headers = {{"auth-status", "no"}, {"auth-wait", "86400"}}});
  env.advance(4'000);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->verdict, Verdict::bad_credentials);
  begin();
  env.answer({.status = 200, .headers = {{"auth-status", "no"}, {"auth-wait", "-1x"}}});
  env.run();
  EXPECT_TRUE(result);
}

TEST_F(Nginx, WaitMeansToAskAgain) {
  begin();
  env.answer({.status = 200, .headers = {{"auth-status", "WAIT"}, {"auth-wait", "2"}}});
  env.advance(1'999);
  EXPECT_TRUE(env.asked.empty());
  env.advance(1);
  ASSERT_EQ(env.asked.size(), 1u);
  env.answer({.status = 200, .headers = {{"auth-status", "WAIT"}}});
  env.advance(1'000);
  ASSERT_EQ(env.asked.size(), 1u);
  env.answer({.status = 200, .headers = {{"auth-status", "WAIT"}}});
  env.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->verdict, Verdict::try_later);
  begin();
  env.answer({.status = 200, .headers = {{"auth-status", "WAIT"}}});
  env.advance(1'000);
  env.answer({.status = 200, .headers = {{"auth-status", "OK"}}});
  env.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->verdict, Verdict::ok);
}

TEST_F(Nginx, WithoutAPassword) {
  query.password.clear();
  EXPECT_EQ(alone(), Verdict::bad_credentials);
  EXPECT_EQ(alone(Want::secret), Verdict::no_such_user);
  EXPECT_EQ(alone(Want::token), Verdict::no_such_user);
  query.mechanism = "EXTERNAL";
  LookupResult proven = ask(Headers{{"auth-status", "OK"}}, Want::account);
  EXPECT_EQ(proven.verdict, Verdict::ok);
  EXPECT_TRUE(proven.identity.verified);
  EXPECT_EQ(asked.headers[0].second, "external");
  EXPECT_EQ(ask(Headers{{"auth-status", "revoked"}}, Want::account).verdict, Verdict::bad_credentials);
  query.mechanism.clear();
  LookupResult place = ask(Headers{{"auth-status", "OK"}, {"auth-server", "192.0.2.1"}}, Want::placement);
  EXPECT_EQ(asked.headers[0].second, "none");
  EXPECT_EQ(place.identity.backend, "192.0.2.1");
  EXPECT_FALSE(place.identity.verified);
  EXPECT_EQ(ask(Headers{{"auth-status", "Invalid"}}, Want::placement).verdict, Verdict::try_later)
      << "it may have missed the password, and mail would bounce";
}

TEST_F(Nginx, A5_NamesThatAreNone) {
  for (const char* name : {"", "@example.com", "j\xf6rg"}) {
    query.user = name;
    EXPECT_EQ(alone(), Verdict::no_such_user) << name;
  }
}

TEST_F(Nginx, WhoLeavesIsNotWaitedFor) {
  begin();
  lookup.reset();
  env.answer({.status = 200, .headers = {{"auth-status", "OK"}}});
  begin();
  env.answer({.status = 200, .headers = {{"auth-status", "no"}, {"auth-wait", "3"}}});
  lookup.reset();
  env.advance(5'000);
  EXPECT_FALSE(result);
  begin();
  directory.reset();  // a reload does that
  env.answer({.status = 200, .headers = {{"auth-status", "OK"}}});
  env.run();
  EXPECT_TRUE(result);
}

class OurJson : public HttpDirectoryTest {
 protected:
  void SetUp() override { use(Dialect::json); }
  Json said() const { return Json::parse(std::string(asked.body.reveal())); }
};

TEST_F(OurJson, WhatIsAsked) {
  query.circumstances =
      std::make_shared<Circumstances>(Circumstances{"imaps", "abc", "192.0.2.9", 40000, 993, true, 2});
  ask("{}");
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.headers[0], std::make_pair(std::string("Content-Type"), std::string("application/json")));
  EXPECT_EQ(said(), Json::parse(R"({"want": "verdict", "user": "joe@example.com", "password": "secret",
      "mechanism": "PLAIN", "protocol": "imap", "client_ip": "192.0.2.7", "client_port": 40000,
      "local_ip": "192.0.2.9", "local_port": 993, "listener": "imaps", "session": "abc", "tls": true, "attempt": 2})"));
  query.password = Secret("\xff\xfe");
  ask("{}");
  EXPECT_EQ(said()["password_base64"], "//4=");
  EXPECT_FALSE(said().contains("password"));
  for (Want want : {Want::placement, Want::account, Want::secret}) {
    ask("{}", want);
    EXPECT_FALSE(said().contains("password") || said().contains("password_base64"));
  }
  EXPECT_EQ(said()["want"], "secret");
}

TEST_F(OurJson, FieldsAreWhatFieldsAreElsewhere) {
  settings.fields = {"host=backend", "quota=shard"};
  use(Dialect::json);
  LookupResult joe = ask(R"({"verdict": "ok", "pool": "main", "quota": 7, "backend_user": "j", "host": "b1",
      "backend_password": "canary", "unknown": {"a": 1}, "disabled": false, "shard2": null})");
  EXPECT_EQ(joe.verdict, Verdict::ok) << joe.detail;
  EXPECT_TRUE(joe.identity.verified);
  EXPECT_EQ(joe.identity.pool + joe.identity.shard + joe.identity.backend_user + joe.identity.backend, "main7jb1");
  EXPECT_TRUE(joe.identity.backend_password.equals("canary"));
  LookupResult bad = ask(R"({"verdict": "ok", "disabled": "perhaps"})");
  EXPECT_EQ(bad.verdict, Verdict::unusable);
  EXPECT_EQ(bad.detail, "directory users: disabled is neither yes nor no");
}

TEST_F(OurJson, Verdicts) {
  EXPECT_EQ(ask(R"({"verdict": "bad_credentials"})").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(R"({"verdict": "no_such_user"})").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(R"({"verdict": "disabled"})").verdict, Verdict::disabled);
  EXPECT_EQ(ask(R"({"verdict": "ok", "disabled": true})").verdict, Verdict::disabled);
  EXPECT_EQ(ask(R"({"verdict": "try_later"})").verdict, Verdict::try_later);
  EXPECT_EQ(ask(R"({"verdict": "no_such_user"})", Want::verdict, 404).verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(R"({"verdict": "bad_credentials"})", Want::verdict, 401).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(R"({"verdict": "disabled", "pool": "p"})", Want::placement).verdict, Verdict::ok);
  EXPECT_EQ(result->identity.pool, "p");
  EXPECT_EQ(ask(R"({"verdict": "ok"})", Want::account).verdict, Verdict::ok);
  EXPECT_TRUE(result->identity.verified);
}

TEST_F(OurJson, NonsenseIsTryLater) {
  for (const char* body : {"", "x", "[]", "{}", R"({"verdict": 1})", R"({"verdict": "OK"})", R"({"verdict": null})",
                           R"({"verdict": ["ok"]})", R"("ok")", R"({"ok": true})"}) {
    EXPECT_EQ(ask(body).verdict, Verdict::try_later) << body;
    EXPECT_EQ(ask(body, Want::verdict, 404).verdict, Verdict::try_later) << body;
  }
  for (long status : {0L, 301L, 302L, 401L, 403L, 404L, 429L, 500L, 503L}) {
    EXPECT_EQ(ask(R"({"verdict": "ok"})", Want::verdict, status).verdict, Verdict::try_later) << status;
  }
  EXPECT_EQ(ask(R"({"verdict": "no_such_user"})", Want::verdict, 500).verdict, Verdict::try_later);
  EXPECT_EQ(ask(R"({"verdict": "bad_credentials"})", Want::placement).verdict, Verdict::try_later);
  EXPECT_EQ(ask(std::string(100'000, '[')).verdict, Verdict::try_later);
}

TEST_F(OurJson, A33_AFieldThatRepeatsThePasswordIsNotTold) {
  LookupResult echo = ask(R"({"verdict": "ok", "networks": "from-secret"})");
  EXPECT_EQ(echo.verdict, Verdict::unusable);
  EXPECT_EQ(echo.detail, "directory users: networks repeats the password");
  EXPECT_THAT(ask(R"({"verdict": "ok", "networks": "nowhere"})").detail, HasSubstr("\"nowhere\" is no network"));
}

TEST_F(OurJson, ASecretIsWhatIsStored) {
  LookupResult joe = ask(R"({"verdict": "ok", "password": "{PLAIN}open sesame", "disabled": true})", Want::secret);
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_TRUE(joe.secret.cleartext.equals("open sesame"));
  EXPECT_TRUE(joe.identity.disabled);
  EXPECT_EQ(joe.detail.find("sesame"), std::string::npos);
}

TEST_F(OurJson, WhereTheBackendChecksNobodyElseHearsThePassword) {
  settings.check_password = false;
  use(Dialect::json);
  LookupResult joe = ask(R"({"verdict": "ok", "shard": "a"})");
  EXPECT_EQ(said()["want"], "placement");
  EXPECT_FALSE(said().contains("password"));
  EXPECT_EQ(joe.identity.shard, "a");
  EXPECT_FALSE(joe.identity.verified);
  EXPECT_EQ(ask(R"({"verdict": "disabled"})").verdict, Verdict::disabled);
}

class Nauthilus : public HttpDirectoryTest {
 protected:
  void SetUp() override { use(Dialect::nauthilus); }
};

TEST_F(Nauthilus, WhatIsAsked) {
  settings.http.url = "https://n.example/api/v1/auth/json";
  use(Dialect::nauthilus);
  query.circumstances =
      std::make_shared<Circumstances>(Circumstances{"imaps", "abc", "192.0.2.9", 40000, 993, true, 2, "TLSv1.3", "X"});
  ask(Headers{});
  EXPECT_EQ(asked.url, "https://n.example/api/v1/auth/json");
  EXPECT_EQ(Json::parse(std::string(asked.body.reveal())), Json::parse(R"({"username": "joe@example.com",
      "password": "secret", "client_ip": "192.0.2.7", "client_port": "40000", "local_ip": "192.0.2.9",
      "local_port": "993", "service": "imap", "method": "plain", "auth_login_attempt": 2, "ssl": "on",
      "ssl_protocol": "TLSv1.3", "ssl_cipher": "X"})"));
  ask(Headers{}, Want::placement);
  EXPECT_EQ(asked.url, "https://n.example/api/v1/auth/json?mode=no-auth");
  EXPECT_THAT(std::string(asked.body.reveal()), Not(HasSubstr("secret")));
  settings.http.url += "?cache=0";
  use(Dialect::nauthilus);
  ask(Headers{}, Want::account);
  EXPECT_EQ(asked.url, "https://n.example/api/v1/auth/json?cache=0&mode=no-auth");
}

TEST_F(Nauthilus, AttributesAndHeadersAreFields) {
  settings.fields = {"Proxy-Host=backend", "pool-name=pool"};
  use(Dialect::nauthilus);
  LookupResult joe = ask(HttpAnswer{.status = 200,
                                    .headers = {{"auth-status", "OK"},
                                                {"auth-user", "joe-home"},
                                                {"x-nauthilus-session", "2MN"},
                                                {"x-nauthilus-pool-name", "main"}},
                                    .body = R"({"passdb_backend": "ldap", "attributes": {"Proxy-Host": ["b1", "b2"],
                                               "shard": ["a"], "mail": ["x"], "n": [1]}})"});
  EXPECT_EQ(joe.verdict, Verdict::ok) << joe.detail;
  EXPECT_TRUE(joe.identity.verified);
  EXPECT_EQ(joe.identity.pool + joe.identity.shard + joe.identity.backend + joe.identity.backend_user,
            "mainab1joe-home");
}

TEST_F(Nauthilus, OnlyItsOwnNoIsOne) {
  EXPECT_EQ(ask(Headers{{"auth-status", "FAIL"}}, Want::verdict, 403).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(Headers{{"auth-status", "FAIL"}}, Want::verdict, 401).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(Headers{{"auth-status", "FAIL"}}, Want::placement, 403).verdict, Verdict::no_such_user);
  for (long status : {401L, 403L, 404L, 429L, 500L, 200L}) {
    EXPECT_EQ(ask(Headers{}, Want::verdict, status).verdict, Verdict::try_later) << status;
  }
  EXPECT_EQ(ask(Headers{{"auth-status", "OK"}}, Want::verdict, 403).verdict, Verdict::try_later);
  EXPECT_EQ(ask(Headers{{"auth-status", "FAIL"}}, Want::verdict, 404).verdict, Verdict::try_later);
  EXPECT_EQ(ask(Headers{{"auth-status", "FAIL"}}, Want::verdict, 200).verdict, Verdict::try_later);
  EXPECT_EQ(ask(HttpAnswer{.status = 200, .headers = {{"auth-status", "OK"}}, .body = "OK"}).verdict,
            Verdict::try_later);
  query.password = Secret("\xff");
  EXPECT_EQ(alone(), Verdict::bad_credentials);
  EXPECT_EQ(alone(Want::token), Verdict::no_such_user);
}

TEST(HttpDirectories, WhatIsWrongInItselfDoesNotLoad) {
  config::Directory settings;
  settings.name = "users";
  settings.type = config::Directory::Type::http;
  settings.http.url = "http://127.0.0.1/";
  auto why = [&] { return load_http_directory(settings).error().message; };
  settings.fields = {"a=shrad"};
  EXPECT_EQ(why(), "directory users: fields: there is no field \"shrad\"");
  settings.fields.clear();
  for (const char* header : {"canary", ": canary", "X: canary\r\nY: z"}) {
    settings.http.headers = {header};
    EXPECT_EQ(why(), "directory users: http.headers: there is one that is not \"Name: value\"");
  }
  settings.http.headers.clear();
  settings.tls_ca = "/nonexistent.pem";
  EXPECT_EQ(why(), "directory users: tls_ca: cannot read /nonexistent.pem");
}

}  // namespace
}  // namespace postigo
