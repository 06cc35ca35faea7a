// The API before any verb: whose token, which role, how many requests a second.
#include "proxy/ops/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "proxy/ops/config_listing.h"

namespace postigo {
namespace {

constexpr const char* kReader = "reader-0123456789abcdef";
constexpr const char* kOperator = "operator-0123456789abcdef";

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    tokens.push_back({"r", config::ApiToken::Role::read, Secret(Bytes(kReader))});
    tokens.push_back({"o", config::ApiToken::Role::operate, Secret(Bytes(kOperator))});
  }
  std::optional<Caller> caller(const std::string& authorization) {
    Http::Request request;
    request.authorization = authorization;
    return caller_by_token(tokens, request);
  }
  // The status of the answer.
  int ask(Http::Request request) {
    int status = 0;
    handler(request, [&](const Http::Page& page) {
      status = page.status;
      fields = page.fields;
    });
    return status;
  }
  int get(const std::string& path, const std::string& token) {
    Http::Request request;
    request.method = "GET";
    request.path = path;
    request.authorization = "Bearer " + token;
    return ask(request);
  }
  int post(const std::string& path, const std::string& token, const std::string& body) {
    Http::Request request;
    request.method = "POST";
    request.path = path;
    request.content_type = "application/json";
    request.authorization = "Bearer " + token;
    request.body = body;
    return ask(request);
  }

  std::vector<config::ApiToken> tokens;
  uint64_t now_ms = 1'000'000;
  std::vector<std::string> done;
  std::string fields;  // of the newest answer
  Http::Handler handler = api_handler(
      [this](const Verb& verb, const Json&, const std::string& who, const VerbDone& then) {
        done.push_back(who + ": " + std::string(verb.name));
        then(200, Json::object());
      },
      [this](const Http::Request& request) { return caller_by_token(tokens, request); }, [this] { return now_ms; });
};

TEST_F(ApiTest, WhoseToken) {
  EXPECT_EQ(caller(std::string("Bearer ") + kReader)->name, "token r");
  EXPECT_FALSE(caller(std::string("Bearer ") + kReader)->operates);
  EXPECT_TRUE(caller(std::string("bearer ") + kOperator)->operates);
  for (std::string wrong :
       {"", "Bearer", "Bearer ", "Bearer x", "Basic reader-0123456789abcdef", "Bearer reader-0123456789abcdeF",
        "Bearer reader-0123456789abcde", "Bearer  reader-0123456789abcdef", "reader-0123456789abcdef"}) {
    EXPECT_FALSE(caller(wrong)) << wrong;
  }
  tokens.clear();
  EXPECT_FALSE(caller("Bearer "));
}

TEST_F(ApiTest, WhatEachMay) {
  EXPECT_EQ(get("/api/v1/status", kReader), 200);
  EXPECT_EQ(get("/api/v1/status", "x"), 401);
  EXPECT_EQ(get("/api/v1/openapi.json", "x"), 401);
  EXPECT_EQ(post("/api/v1/kick", kReader, "{}"), 403);
  EXPECT_EQ(post("/api/v1/kick", kOperator, "{}"), 200);
  EXPECT_EQ(post("/api/v1/diff", kReader, R"({"configuration": {}})"), 403) << "it tells whether secrets are equal";
  EXPECT_EQ(post("/api/v1/diff", kOperator, R"({"configuration": {}})"), 200);
  EXPECT_EQ(post("/api/v1/who", kOperator, "{}"), 405);
  EXPECT_THAT(done, testing::ElementsAre("token r: status", "token o: kick", "token o: diff"));
}

TEST_F(ApiTest, AnswersTellTheRole) {
  get("/api/v1/status", kReader);
  EXPECT_THAT(fields, testing::HasSubstr("Postigo-Role: read\r\n"));
  get("/api/v1/status", kOperator);
  EXPECT_THAT(fields, testing::HasSubstr("Postigo-Role: operate\r\n"));
  get("/api/v1/status", "x");
  EXPECT_THAT(fields, testing::Not(testing::HasSubstr("Role")));
}

TEST_F(ApiTest, SoManyASecond) {
  for (uint64_t i = 0; i < kRequestsPerSecond; ++i) ASSERT_EQ(get("/api/v1/status", kReader), 200) << i;
  EXPECT_EQ(get("/api/v1/status", kReader), 429);
  now_ms += 1000;
  EXPECT_EQ(get("/api/v1/status", kReader), 200);
}

class ListingTest : public testing::Test {
 protected:
  ListingTest() {
    running.live.backends.push_back({});
    running.live.backends[0].name = "a";
    running.live.auth.backend_login.master_password = Secret(Bytes("canary-one"));
    other = running;
  }
  std::vector<std::string> keys() {
    std::vector<std::string> found;
    auto changes = compare(running, listing_of(other));
    EXPECT_TRUE(changes.has_value());
    for (const config::Change& each : *changes) found.push_back(each.key);
    return found;
  }
  config::Config running, other;
};

TEST_F(ListingTest, SecretsAreComparedAndNotShown) {
  EXPECT_THAT(keys(), testing::IsEmpty());
  other.live.auth.backend_login.master_password = Secret(Bytes("canary-two"));
  EXPECT_THAT(keys(), testing::ElementsAre("auth.backend_login.master_password"));
  std::string text = listing_of(other).dump();
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("canary")));
  EXPECT_NE(listing_of(other), listing_of(other)) << "a hash serves for one comparison";
}

TEST_F(ListingTest, WhatIsThereAndWhatIsNot) {
  other.live.backends[0].name = "b";
  EXPECT_THAT(keys(), testing::IsSupersetOf({"backend[a].name", "backend[b].name"}));
  EXPECT_THAT(names_in(listing_of(other), "backend"), testing::ElementsAre("b"));
}

}  // namespace
}  // namespace postigo
