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

TEST_F(CheckHealthTest, ConnectionsThatAreReady) {
  Loaded loaded = small_and("[ready]\nmax = 5\n[[backend]]\nhost = \"b\"\nready = { min = 1, idle = \"20s\" }\n");
  ASSERT_EQ(joined(loaded), "");
  EXPECT_EQ(loaded.config.live.backends[0].ready.max, 5u);
  EXPECT_EQ(loaded.config.live.backends[0].ready.min, 0u);
  EXPECT_EQ(loaded.config.live.backends[1].ready.max, 5u) << "what it does not say is as usual";
  EXPECT_EQ(loaded.config.live.backends[1].ready.idle_ms, 20'000u);
  EXPECT_EQ(small_and("").config.live.ready.max, 0u) << "none, if nobody asks for them";
  EXPECT_THAT(problem("[ready]\nmax = 1\nmin = 2\n", true), HasSubstr("ready.min: must not be more than max"));
  EXPECT_THAT(problem("[ready]\nidle = \"3m\"\n", false), HasSubstr("as long as Dovecot's own time-out"));
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\nproxy_protocol = \"v2\"\nready = { max = 2 }\n", false),
              HasSubstr("begins with the client's address"));
}

TEST_F(CheckHealthTest, RoomAtABackend) {
  const std::string backend = "[[backend]]\nhost = \"b\"\n";
  EXPECT_EQ(joined(small_and(backend + "sessions_max = 10\nlogins_per_s = 5\nqueue_max = 3\nqueue_timeout = \"1s\"\n")),
            "");
  EXPECT_THAT(problem(backend + "queue_max = 3\n", false), HasSubstr("without sessions_max or logins_per_s"));
  EXPECT_THAT(problem(backend + "queue_timeout = \"1s\"\n", false), HasSubstr("nobody waits"));
  EXPECT_THAT(problem(backend + "sessions_max = 1\nqueue_max = 0\nqueue_timeout = \"1s\"\n", false),
              HasSubstr("with queue_max = 0 nobody waits"));
  EXPECT_THAT(problem(backend + "sessions_max = 1\nqueue_timeout = \"2m\"\n", true),
              HasSubstr("must be shorter than limits.login_timeout"));
  EXPECT_THAT(problem("[limits]\nbackend_logins_max = 20\n" + backend + "sessions_max = 10\n", false),
              HasSubstr("is less than limits.backend_logins_max"));
  EXPECT_THAT(problem("[limits]\nsessions_max = 20\n" + backend + "sessions_max = 30\n", true),
              HasSubstr("limits.sessions_max is less"));
  EXPECT_THAT(problem("[limits]\nsessions_max = 20\n[[pool]]\nbackends = [\"10.0.0.1\"]\nsessions_max = 30\n", true),
              HasSubstr("pool.sessions_max: is never reached"));
}

}  // namespace
}  // namespace postigo::config
