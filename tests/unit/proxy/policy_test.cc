// What a policy server's answers mean, and what of a password it is told.
#include "proxy/session/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

PolicyAnswer verdict(long status, const std::string& body) {
  std::string why;
  return Policy::understand({status, {}, body, ""}, why).verdict;
}

TEST(PolicyAnswers, AStatusIsAllThatCounts) {
  EXPECT_EQ(verdict(200, R"({"status": 0, "msg": "ok"})"), PolicyAnswer::allowed);
  EXPECT_EQ(verdict(200, R"({"status": -1})"), PolicyAnswer::refused);
  EXPECT_EQ(verdict(200, R"({"status": 7})"), PolicyAnswer::delayed);
  for (const char* body : {"", "x", "[]", "{}", R"({"status": "0"})", R"({"status": 0.5})", R"({"status": null})"}) {
    EXPECT_EQ(verdict(200, body), PolicyAnswer::failed) << body;
  }
  EXPECT_EQ(verdict(500, R"({"status": 0})"), PolicyAnswer::failed);
  EXPECT_EQ(verdict(0, ""), PolicyAnswer::failed);
}

TEST(PolicyAnswers, NobodyWaitsForEver) {
  std::string why;
  EXPECT_EQ(Policy::understand({200, {}, R"({"status": 3})", ""}, why).delay_ms, 3'000);
  EXPECT_EQ(Policy::understand({200, {}, R"({"status": 9223372036854775807})", ""}, why).delay_ms, Policy::kDelayMaxMs);
}

TEST(PolicyAnswers, AFailureSaysWhy) {
  std::string why;
  Policy::understand({0, {}, "", "Connection refused"}, why);
  EXPECT_EQ(why, "Connection refused");
  Policy::understand({503, {}, "", ""}, why);
  EXPECT_EQ(why, "status 503");
}

class PolicyHash : public LoopTest {
 protected:
  std::string hash(unsigned bits, const std::string& user, const std::string& secret) {
    config::Policy settings;
    settings.url = "http://127.0.0.1:1/";
    settings.pwhash = true;
    settings.pwhash_nonce = Secret("salt");
    settings.pwhash_bits = bits;
    WorkerStats stats;
    HttpClient http(loop);
    return Policy(loop, http, stats, settings).hash(user, secret);
  }
};

// SHA-256 of "salt" "anna" 0 "secret" begins with the bits that Dovecot's auth_policy would tell.
TEST_F(PolicyHash, SomeBitsOfASaltedHash) {
  EXPECT_EQ(hash(12, "anna", "secret").size(), 4);
  EXPECT_EQ(hash(12, "anna", "secret")[0], '0');
  EXPECT_EQ(hash(32, "anna", "secret").size(), 8);
  EXPECT_EQ(hash(32, "anna", "secret").substr(0, 3), hash(12, "anna", "secret").substr(1));
  EXPECT_NE(hash(32, "anna", "secret"), hash(32, "annas", "ecret"));
  EXPECT_NE(hash(32, "anna", "secret"), hash(32, "bert", "secret"));
}

}  // namespace
}  // namespace postigo
