// How backends are watched, zones and policies: what contradicts itself is told with its place.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

class CheckHealthTest : public ConfigTest {
 protected:
  std::string problem(const std::string& more, bool fatal) {
    Loaded loaded = small_and(more);
    EXPECT_EQ(loaded.ok(), !fatal);
    EXPECT_EQ(loaded.problems.size(), 1u) << joined(loaded);
    return joined(loaded);
  }
};

TEST_F(CheckHealthTest, AProbeNeedsAnAccountOrNone) {
  EXPECT_THAT(problem("[health]\nlevel = \"login\"\nuser = \"probe\"\n", true), HasSubstr("an account for probes"));
  EXPECT_THAT(problem("[health]\nuser = \"probe\"\n", false), HasSubstr("it is never used"));
  EXPECT_THAT(problem("[health]\nlevel = \"login\"\nuser = \"probe\"\npassword_file = \"none\"\n", true),
              HasSubstr("p.toml:15:17: health.password_file: cannot open"));
}

TEST_F(CheckHealthTest, Times) {
  EXPECT_THAT(problem("[health]\nretry_min = \"20s\"\n", true), HasSubstr("must not be longer than retry_max, 10s"));
  EXPECT_THAT(problem("[health]\nsilence = \"20s\"\n", false), HasSubstr("limits.backend_login_timeout, 10s"));
  EXPECT_THAT(problem("[health]\nrise = 0\n", true), HasSubstr("a whole number from 1 to 100"));
}

TEST_F(CheckHealthTest, ABackendsOwnStandsOverTheUsual) {
  Loaded loaded = small_and("[health]\nfall = 5\nrise = 7\n[[backend]]\nhost = \"b\"\n[backend.health]\nrise = 1\n");
  ASSERT_EQ(joined(loaded), "");
  ASSERT_EQ(loaded.config.live.backends.size(), 2u);
  EXPECT_EQ(loaded.config.live.backends[0].health.rise, 7u);
  EXPECT_EQ(loaded.config.live.backends[1].health.rise, 1u);
  EXPECT_EQ(loaded.config.live.backends[1].health.fall, 5u) << "what it does not say is as usual";
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\n[backend.health]\nlevel = \"login\"\n", true),
              HasSubstr("backend.health.level: \"login\" needs"));
}

TEST_F(CheckHealthTest, Zones) {
  EXPECT_THAT(problem("[server]\nzone = \"nroth\"\n[[backend]]\nhost = \"b\"\nzone = \"north\"\n", false),
              HasSubstr("no backend is in zone \"nroth\" (did you mean \"north\"?)"));
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\nzone = \"north\"\n", false), HasSubstr("where do we stand?"));
}

TEST_F(CheckHealthTest, PoliciesAreForSharedPools) {
  EXPECT_THAT(problem("[[pool]]\nbackends = [\"10.0.0.1\"]\npolicy = \"round_robin\"\n", true),
              HasSubstr("needs storage = \"shared\""));
}

}  // namespace
}  // namespace postigo::config
