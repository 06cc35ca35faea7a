// What differs between two configurations: keys by the names of their items, secrets compared and not shown.
#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postigo::config {
namespace {

Backend backend(const std::string& name, const std::string& host) {
  Backend made;
  made.name = name;
  made.host = host;
  made.ports["imap"] = 143;
  return made;
}

class DiffTest : public testing::Test {
 protected:
  DiffTest() {
    before.live.hostname = "mail.example.com";
    before.live.backends = {backend("a", "10.0.0.1"), backend("b", "10.0.0.2")};
    after = before;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> said;
    for (const Change& each : diff(before, after)) {
      said.push_back(each.key + ": " + each.before + " -> " + each.after + (each.needs_restart ? " (restart)" : ""));
    }
    return said;
  }
  Config before, after;
};

TEST_F(DiffTest, NothingDiffers) { EXPECT_THAT(lines(), testing::IsEmpty()); }

TEST_F(DiffTest, ValuesAsInTheFile) {
  after.live.limits.login_timeout_ms = 90'000;
  after.live.hostname = "mx.example.com";
  after.startup.workers = 3;
  EXPECT_THAT(lines(), testing::ElementsAre("server.hostname: mail.example.com -> mx.example.com",
                                            "server.workers: auto -> 3 (restart)", "limits.login_timeout: 1m -> 90s"));
}

TEST_F(DiffTest, ItemsAreKnownByTheirNames) {
  after.live.backends.erase(after.live.backends.begin());
  after.live.backends[0].host = "10.0.0.3";
  after.live.backends.push_back(backend("c", "10.0.0.4"));
  auto said = lines();
  EXPECT_THAT(said, testing::Contains("backend[b].host: 10.0.0.2 -> 10.0.0.3"));
  EXPECT_THAT(said, testing::Contains("backend[c].host:  -> 10.0.0.4"));
  EXPECT_THAT(said, testing::Contains("backend[a].host: 10.0.0.1 -> "));
  EXPECT_THAT(said, testing::Not(testing::Contains(testing::HasSubstr("backend[b].imap_port"))));
}

TEST_F(DiffTest, SecretsAreComparedAndNotShown) {
  before.live.auth.backend_login.master_password = Secret("old-secret");
  after.live.auth.backend_login.master_password = Secret("new-secret");
  EXPECT_THAT(lines(), testing::ElementsAre("auth.backend_login.master_password: *** -> ***"));
  after = before;
  after.live.auth.backend_login.master_password = Secret("old-secret");
  EXPECT_THAT(lines(), testing::IsEmpty()) << "kept in two places, but the same";
}

}  // namespace
}  // namespace postigo::config
