// "did you mean" must help with slips of the fingers and keep quiet otherwise.
#include "config/suggest.h"

#include <gtest/gtest.h>

namespace postigo::config {
namespace {

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("tls", "TLS"), 0u);
  EXPECT_EQ(edit_distance("lsitener", "listener"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

using Words = std::vector<std::string>;
const Words kLimits = {"sessions_max",      "tls_handshake_timeout",   "login_timeout",
                       "lookup_timeout",    "backend_connect_timeout", "backend_login_timeout",
                       "imap_idle_timeout", "pop3_idle_timeout",       "auth_failure_delay",
                       "close_timeout",     "relay_high_water"};

TEST(Nearest, FindsTheWord) {
  EXPECT_EQ(nearest("adress", {"name", "address", "tls"}), Words{"address"});
  EXPECT_EQ(nearest("start_tls", {"off", "starttls", "implicit"}), Words{"starttls"});
  EXPECT_EQ(nearest("tsl", {"tls"}), Words{"tls"});
  EXPECT_EQ(nearest("cert", {"certificate", "key", "names"}), Words{"certificate"});
  EXPECT_EQ(nearest("certificate_file", {"certificate", "key", "names"}), Words{"certificate"});
  EXPECT_EQ(nearest("port", {"host", "imap_port", "pop3_port", "name"}), (Words{"imap_port", "pop3_port"}));
  EXPECT_EQ(nearest("1.0", {"1.2", "1.3"}), Words{}) << "all that there is";
}

TEST(Nearest, PartsInAnotherOrderOrMissing) {
  EXPECT_EQ(nearest("max_sessions", kLimits), Words{"sessions_max"});
  EXPECT_EQ(nearest("max_session", kLimits), Words{"sessions_max"});
  EXPECT_EQ(nearest("sessions", kLimits), Words{"sessions_max"});
  EXPECT_EQ(nearest("idle_timeout", kLimits), (Words{"imap_idle_timeout", "pop3_idle_timeout"}));
  EXPECT_EQ(nearest("timeout_idle", kLimits), (Words{"imap_idle_timeout", "pop3_idle_timeout"}));
  EXPECT_EQ(nearest("connect_timeout", kLimits), Words{"backend_connect_timeout"});
  EXPECT_EQ(nearest("login_timout", kLimits), Words{"login_timeout"});
  EXPECT_EQ(nearest("delay", kLimits), Words{"auth_failure_delay"});
}

TEST(Nearest, KeepsQuietWhenNothingIsNear) {
  EXPECT_EQ(nearest("banana", {"tls", "name"}), Words{});
  EXPECT_EQ(nearest("", {"tls"}), Words{});
  EXPECT_EQ(nearest(std::string(5000, 'x'), {"tls"}), Words{});
  EXPECT_EQ(nearest("timeout", kLimits), Words{}) << "seven have that in their name";
  EXPECT_EQ(did_you_mean("banana", {"tls"}), "");
  EXPECT_EQ(did_you_mean("idle_timeout", kLimits), " (did you mean \"imap_idle_timeout\" or \"pop3_idle_timeout\"?)");
}

TEST(Sentences, OneOfAndQuotes) {
  EXPECT_EQ(one_of({"a"}), "\"a\"");
  EXPECT_EQ(one_of({"a", "b", "c"}), "\"a\", \"b\" or \"c\"");
  EXPECT_EQ(in_quotes("a\x1b"), "\"a\\x1b\"");
}

}  // namespace
}  // namespace postigo::config
