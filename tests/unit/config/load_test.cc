// Every key arrives where it belongs, and what is left out gets the default that the schema promises.
#include "config/units.h"
#include "tests/unit/config/support.h"

namespace postigo::config {

using testing::ElementsAre;

namespace {

class LoadTest : public ConfigTest {};

TEST_F(LoadTest, SmallestUsefulFile) {
  Loaded loaded = small_and("");
  ASSERT_EQ(joined(loaded), "");
  const Config& config = loaded.config;
  ASSERT_EQ(config.live.listeners.size(), 1u);
  const Listener& listener = config.live.listeners[0];
  EXPECT_EQ(listener.name, "imaps");
  EXPECT_EQ(listener.tls, Tls::implicit);
  EXPECT_FALSE(listener.plaintext_login);
  EXPECT_EQ(config.live.tls.certificates[0].certificate_file, directory_.path() + "/cert.pem");
  ASSERT_EQ(config.live.pools.size(), 1u);
  EXPECT_EQ(config.live.pools[0].name, "default");
  EXPECT_EQ(config.live.routing.default_pool, "default");
  ASSERT_EQ(config.live.pools[0].shards.size(), 1u);
  EXPECT_EQ(config.live.pools[0].shards[0].name, "10.0.0.1");
  EXPECT_THAT(config.live.auth.mechanisms, ElementsAre("PLAIN", "LOGIN"));
  EXPECT_EQ(config.startup.workers, 0u);
  EXPECT_FALSE(config.startup.admin.enabled);
  EXPECT_NE(config.live.hostname, "");
}

TEST_F(LoadTest, Server) {
  Loaded loaded = small_and(R"(
[server]
hostname = "mail.example.com"
workers = 3
user = "postigo"
group = "mail"
lookup_threads = 5
password_threads = 6
queue_max = 7
[log]
format = "json"
level = "debug"
file = "a.log"
[admin]
address = "[::1]:9091"
)");
  ASSERT_EQ(joined(loaded), "");
  const Startup& x = loaded.config.startup;
  const Live& live = loaded.config.live;
  EXPECT_EQ(live.hostname, "mail.example.com");
  EXPECT_EQ(x.workers, 3u);
  EXPECT_EQ(x.user, "postigo");
  EXPECT_EQ(x.group, "mail");
  EXPECT_EQ(x.lookup_threads, 5u);
  EXPECT_EQ(x.password_threads, 6u);
  EXPECT_EQ(x.queue_max, 7u);
  EXPECT_EQ(live.log.format, Log::Format::json);
  EXPECT_EQ(live.log.level, Log::Level::debug);
  EXPECT_EQ(live.log.file, directory_.path() + "/a.log");
  EXPECT_TRUE(x.admin.enabled);
  EXPECT_EQ(x.admin.address.host, "::1");
  EXPECT_EQ(x.admin.address.port, 9091);
}

TEST_F(LoadTest, Resolver) {
  Loaded loaded = small_and(R"(
[resolver]
servers = ["192.0.2.53", "[::1]:5353"]
timeout = "250ms"
tries = 4
ttl_min = "2s"
ttl_max = "3m"
failure_ttl = "4s"
refresh_ttl = "5s"
stale_ttl = "6h"
)");
  ASSERT_EQ(joined(loaded), "");
  const Resolver& x = loaded.config.live.resolver;
  ASSERT_EQ(x.servers.size(), 2u);
  EXPECT_EQ(format_endpoint(x.servers[0]), "192.0.2.53:53");
  EXPECT_EQ(format_endpoint(x.servers[1]), "[::1]:5353");
  EXPECT_EQ(x.timeout_ms, 250u);
  EXPECT_EQ(x.tries, 4u);
  EXPECT_EQ(x.ttl_min_ms, 2'000u);
  EXPECT_EQ(x.ttl_max_ms, 180'000u);
  EXPECT_EQ(x.failure_ttl_ms, 4'000u);
  EXPECT_EQ(x.refresh_ttl_ms, 5'000u);
  EXPECT_EQ(x.stale_ttl_ms, 6 * 3600'000u);
}

TEST_F(LoadTest, AnEmptyAdminTableTurnsItOnAtItsUsualAddress) {
  Loaded loaded = small_and("[admin]\n[server]\nworkers = \"auto\"\n");
  ASSERT_EQ(joined(loaded), "");
  EXPECT_TRUE(loaded.config.startup.admin.enabled);
  EXPECT_EQ(loaded.config.startup.admin.address.host, "127.0.0.1");
  EXPECT_EQ(loaded.config.startup.admin.address.port, 9090);
}

TEST_F(LoadTest, Limits) {
  Loaded loaded = small_and(R"(
[limits]
sessions_max = 9000
tls_handshake_timeout = "1s"
login_timeout = "2m"
lookup_timeout = "300ms"
backend_connect_timeout = "4s"
backend_login_timeout = "5s"
imap_idle_timeout = "1h"
pop3_idle_timeout = "1d"
auth_failure_delay = "0s"
half_close_timeout = "9s"
login_memory = "5m"
backend_logins_max = 17
close_timeout = "8s"
relay_high_water = "1m"
)");
  ASSERT_EQ(joined(loaded), "");
  const Limits& x = loaded.config.live.limits;
  EXPECT_EQ(x.sessions_max, 9000u);
  EXPECT_EQ(x.tls_handshake_timeout_ms, 1000u);
  EXPECT_EQ(x.login_timeout_ms, 120'000u);
  EXPECT_EQ(x.lookup_timeout_ms, 300u);
  EXPECT_EQ(x.backend_connect_timeout_ms, 4000u);
  EXPECT_EQ(x.backend_login_timeout_ms, 5000u);
  EXPECT_EQ(x.idle_timeout_ms["imap"], 3600'000u);
  EXPECT_EQ(x.idle_timeout_ms["pop3"], 86400'000u);
  EXPECT_EQ(x.auth_failure_delay_ms, 0u);
  EXPECT_EQ(x.half_close_timeout_ms, 9000u);
  EXPECT_EQ(x.login_memory, 5u * 1024 * 1024);
  EXPECT_EQ(x.backend_logins_max, 17u);
  EXPECT_EQ(x.close_timeout_ms, 8000u);
  EXPECT_EQ(x.relay_high_water, 1024u * 1024u);
}

TEST_F(LoadTest, Listeners) {
  Loaded loaded = small_and(R"(
[[listener]]
name = "clear"
protocol = "pop3"
address = ["127.0.0.1:110", "[::1]:110"]
plaintext_login = true
[[listener]]
protocol = "imap"
address = ["192.0.2.1:1143"]
tls = "off"
plaintext_login = true
[[backend]]
host = "b"
pop3_port = 110
)");
  EXPECT_TRUE(loaded.ok()) << joined(loaded);
  const auto& all = loaded.config.live.listeners;
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].name, "clear");
  EXPECT_EQ(all[1].protocol, "pop3");
  EXPECT_EQ(all[1].tls, Tls::starttls);  // by its ports
  EXPECT_TRUE(all[1].plaintext_login);
  ASSERT_EQ(all[1].addresses.size(), 2u);
  EXPECT_EQ(all[1].addresses[1].host, "::1");
  EXPECT_EQ(all[1].addresses[1].port, 110);
  EXPECT_EQ(all[2].name, "imap");
  EXPECT_EQ(all[2].tls, Tls::off);
}

TEST_F(LoadTest, ServerTls) {
  Loaded loaded = small_and(R"(
names = []
[tls]
min_version = "1.3"
ciphers = "ECDHE"
session_tickets = false
ticket_rotation = "2h"
[[tls.certificate]]
certificate = "/dev/null"
names = ["*.Example.com", "mail.example.org"]
)");
  // The first line of the text above belongs to the backend; say so, and load the rest.
  EXPECT_THAT(joined(loaded), testing::HasSubstr("backend.names: unknown key (did you mean \"name\"?)"));
  const TlsServer& x = loaded.config.live.tls;
  EXPECT_EQ(x.min_version, 0x0304);
  EXPECT_EQ(x.ciphers, "ECDHE");
  EXPECT_FALSE(x.session_tickets);
  EXPECT_EQ(x.ticket_rotation_ms, 7200'000u);
  ASSERT_EQ(x.certificates.size(), 2u);
  EXPECT_EQ(x.certificates[1].key_file, "/dev/null");  // both in one file
  EXPECT_THAT(x.certificates[1].names, ElementsAre("*.example.com", "mail.example.org"));
}

TEST_F(LoadTest, Backends) {
  Loaded loaded = small_and(R"(
[[backend]]
name = "b2"
host = "[2001:db8::2]"
tls = "implicit"
[[backend]]
name = "b3"
host = "mail3"
pop3_port = 1110
trusted = true
[backend.tls]
mode = "starttls"
ca_file = "cert.pem"
verify = true
name = "m3.example.com"
certificate = "cert.pem"
key = "key.pem"
min_version = "1.3"
ciphers = "X"
)");
  ASSERT_EQ(joined(loaded), "");
  const auto& all = loaded.config.live.backends;
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "10.0.0.1");
  EXPECT_EQ(all[0].ports["imap"], 143);
  EXPECT_EQ(all[0].ports["pop3"], 0);
  EXPECT_EQ(all[0].tls.mode, Tls::off);
  EXPECT_EQ(all[1].host, "2001:db8::2");
  EXPECT_EQ(all[1].ports["imap"], 993);
  EXPECT_EQ(all[1].ports["pop3"], 995);
  EXPECT_EQ(all[1].tls.mode, Tls::implicit);
  EXPECT_EQ(all[2].ports["imap"], 0);
  EXPECT_EQ(all[2].ports["pop3"], 1110);
  EXPECT_TRUE(all[2].trusted);
  const TlsClient& tls = all[2].tls;
  EXPECT_EQ(tls.mode, Tls::starttls);
  EXPECT_EQ(tls.ca_file, directory_.path() + "/cert.pem");
  EXPECT_EQ(tls.name, "m3.example.com");
  EXPECT_EQ(tls.certificate_file, directory_.path() + "/cert.pem");
  EXPECT_EQ(tls.key_file, directory_.path() + "/key.pem");
  EXPECT_EQ(tls.min_version, 0x0304);
  EXPECT_EQ(tls.ciphers, "X");
  EXPECT_EQ(loaded.config.live.pools[0].shards.size(), 3u);
}

TEST_F(LoadTest, PoolsAndRouting) {
  Loaded loaded = small_and(R"(
[[backend]]
name = "b2"
host = "b2"
[[pool]]
name = "one"
backends = ["10.0.0.1", "b2"]
[[pool]]
name = "two"
[[pool.shard]]
name = "left"
weight = 2
backends = ["b2", "10.0.0.1"]
[[pool.shard]]
weight = 0.5
backends = ["b2"]
[routing]
default_pool = "two"
default_domain = "Example.com"
lowercase = true
[[routing.rule]]
user = "Boss"
pool = "one"
[[routing.rule]]
domain = "Example.org"
shard = "left"
[[routing.rule]]
regex = ".*[0-9]@example\\.net"
pool = "one"
shard = "b2"
)");
  ASSERT_EQ(joined(loaded), "");
  const Live& live = loaded.config.live;
  ASSERT_EQ(live.pools.size(), 2u);
  ASSERT_EQ(live.pools[0].shards.size(), 2u);
  EXPECT_EQ(live.pools[0].shards[1].name, "b2");
  EXPECT_THAT(live.pools[0].shards[1].backends, ElementsAre("b2"));
  ASSERT_EQ(live.pools[1].shards.size(), 2u);
  EXPECT_EQ(live.pools[1].shards[0].weight, 2.0);
  EXPECT_THAT(live.pools[1].shards[0].backends, ElementsAre("b2", "10.0.0.1"));
  EXPECT_EQ(live.pools[1].shards[1].name, "b2");
  EXPECT_EQ(live.pools[1].shards[1].weight, 0.5);
  EXPECT_EQ(live.routing.default_pool, "two");
  ASSERT_EQ(live.routing.rules.size(), 3u);
  EXPECT_EQ(live.routing.rules[0].user, "boss@example.com");
  EXPECT_EQ(live.routing.rules[1].domain, "example.org");
  EXPECT_EQ(live.routing.rules[2].regex, ".*[0-9]@example\\.net");
  EXPECT_EQ(live.routing.rules[2].shard, "b2");
}

TEST_F(LoadTest, Auth) {
  directory_.write("master", "top secret\n");
  Loaded loaded = small_and(R"(
[auth]
mechanisms = ["login", "PLAIN"]
accept_unknown = true
[auth.backend_login]
mode = "master_separator"
master_user = "postigo"
master_password_file = "master"
separator = "+"
[[directory]]
name = "few"
check_password = true
[[directory.user]]
name = "Ann@Example.com"
password = "{PLAIN}x"
pool = "default"
shard = "10.0.0.1"
backend_user = "a1"
disabled = true
[[directory.user]]
name = "@example.org"
[[directory]]
type = "sqlite"
path = "users.db"
[capabilities.imap]
hide = ["quota"]
add = ["X-HELLO"]
allow_compress = true
[capabilities.pop3]
hide = ["UTF8"]
add = ["EXPIRE NEVER"]
)");
  ASSERT_EQ(joined(loaded), "");
  const Auth& auth = loaded.config.live.auth;
  EXPECT_THAT(auth.mechanisms, ElementsAre("LOGIN", "PLAIN"));
  EXPECT_TRUE(auth.accept_unknown);
  EXPECT_EQ(auth.backend_login.mode, BackendLogin::Mode::master_separator);
  EXPECT_EQ(auth.backend_login.master_user, "postigo");
  EXPECT_EQ(auth.backend_login.master_password.reveal(), "top secret");
  EXPECT_EQ(auth.backend_login.separator, "+");
  ASSERT_EQ(auth.directories.size(), 2u);
  EXPECT_EQ(auth.directories[0].name, "few");
  EXPECT_TRUE(auth.directories[0].check_password);
  ASSERT_EQ(auth.directories[0].users.size(), 2u);
  const StaticUser& user = auth.directories[0].users[0];
  EXPECT_EQ(user.name, "ann@example.com");
  EXPECT_EQ(user.password, "{PLAIN}x");
  EXPECT_EQ(user.pool, "default");
  EXPECT_EQ(user.shard, "10.0.0.1");
  EXPECT_EQ(user.backend_user, "a1");
  EXPECT_TRUE(user.disabled);
  EXPECT_EQ(auth.directories[1].name, "sqlite");
  EXPECT_EQ(auth.directories[1].type, Directory::Type::sqlite);
  EXPECT_EQ(auth.directories[1].path, directory_.path() + "/users.db");
  const Live& live = loaded.config.live;
  EXPECT_THAT(live.capabilities["imap"].hide, ElementsAre("QUOTA"));
  EXPECT_THAT(live.capabilities["imap"].add, ElementsAre("X-HELLO"));
  EXPECT_TRUE(live.capabilities["imap"].allow_compress);
  EXPECT_THAT(live.capabilities["pop3"].hide, ElementsAre("UTF8"));
  EXPECT_THAT(live.capabilities["pop3"].add, ElementsAre("EXPIRE NEVER"));
}

}  // namespace
}  // namespace postigo::config
