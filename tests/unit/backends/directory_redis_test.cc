// The directory in Redis, against real servers: what is known, that nothing that a server does is a "no", clusters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "backends/directory/drivers/redis_cluster.h"
#include "backends/directory/factory.h"
#include "tests/fakes/fake_env.h"
#include "tests/fakes/redis_server.h"
#include "tests/unit/proxy/certificates.h"

namespace postigo {
namespace {

using fakes::FakeEnv;
using testing::HasSubstr;
using testing::Not;

TEST(RedisSlots, AreThoseOfItsSpecification) {
  EXPECT_EQ(RedisCluster::slot_of("123456789"), 0x31c3u);
  EXPECT_EQ(RedisCluster::slot_of("foo"), 12182u);
  EXPECT_EQ(RedisCluster::slot_of("{user1000}.following"), 3443u);
  EXPECT_EQ(RedisCluster::slot_of("x{user1000}{y}"), 3443u);
  EXPECT_EQ(RedisCluster::slot_of("foo{}{bar}"), RedisCluster::slot_of("foo{}{bar}"));
  EXPECT_NE(RedisCluster::slot_of("foo{}{bar}"), RedisCluster::slot_of("bar"));
  EXPECT_NE(RedisCluster::slot_of("{foo"), RedisCluster::slot_of("foo"));
}

TEST(RedisSlots, RedirectionsAreUnderstoodOrNone) {
  const config::Endpoint asked{"192.0.2.1", 6379};
  auto moved = RedisCluster::redirection("MOVED 3999 127.0.0.1:6381", asked);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->once);
  EXPECT_EQ(moved->slot, 3999u);
  EXPECT_EQ(moved->server, (config::Endpoint{"127.0.0.1", 6381}));
  auto ask = RedisCluster::redirection("ASK 1 :7000", asked);
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->once);
  EXPECT_EQ(ask->server, (config::Endpoint{"192.0.2.1", 7000}));
  EXPECT_EQ(RedisCluster::redirection("MOVED 1 2001:db8::1:7000", asked)->server.host, "2001:db8::1");
  for (const char* error : {"ERR x", "MOVED", "MOVED ", "MOVED x y:1", "MOVED 16384 a:1", "MOVED 1 a:0", "MOVED 1 a",
                            "MOVED 1 a:70000", "MOVED -1 a:1", "ASK a:1 2"}) {
    EXPECT_FALSE(RedisCluster::redirection(error, asked)) << error;
  }
}

TEST(RedisSlots, WhatAServerSaysOfAllSlots) {
  using Kind = RedisReply::Kind;
  auto number = [](int64_t value) { return RedisReply{Kind::integer, "", value, {}}; };
  auto range = [&](int64_t first, int64_t last, const char* host, int64_t port) {
    RedisReply node{Kind::array, "", 0, {{Kind::text, host, 0, {}}, number(port)}};
    return RedisReply{Kind::array, "", 0, {number(first), number(last), node}};
  };
  RedisCluster cluster;
  EXPECT_FALSE(cluster.server_of(0));
  RedisReply all{Kind::array, "", 0, {range(0, 8191, "a", 1), range(8192, 999'999, "", 2), range(-5, 3, "a", 70'000)}};
  all.elements.push_back({Kind::text, "nonsense", 0, {}});
  cluster.learn(all, {"b", 9});
  EXPECT_EQ(cluster.server_of(8191), (config::Endpoint{"a", 1}));
  EXPECT_EQ(cluster.server_of(16383), (config::Endpoint{"b", 2}));
  cluster.learn(16383, {"c", 3});
  EXPECT_EQ(cluster.server_of(16383), (config::Endpoint{"c", 3}));
  cluster.forget({"a", 1});
  EXPECT_FALSE(cluster.server_of(0));
  EXPECT_EQ(cluster.server_of(16382), (config::Endpoint{"b", 2}));
}

class RedisDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::there()) GTEST_SKIP() << "there is no redis-server";
    settings.name = "users";
    settings.type = config::Directory::Type::redis;
    settings.check_password = true;
    settings.timeout_ms = 5'000;
  }
  void use(const std::vector<std::string>& servers) {
    settings.servers = servers;
    auto source = load_redis_directory(settings);
    ASSERT_TRUE(source) << source.error().message;
    directory = (*source)->make(env);
  }
  LookupResult ask(const std::string& user, const std::string& password = "secret", Want want = Want::verdict) {
    Query query;
    query.user = user;
    query.password = Secret(password);
    query.want = want;
    std::optional<LookupResult> result;
    Lookup lookup([&](LookupResult told) { result = std::move(told); });
    directory->start(lookup, query);
    EXPECT_FALSE(result) << "an answer from inside start()";
    env.run();
    EXPECT_TRUE(result);
    return result.value_or(LookupResult());
  }

  FakeEnv env;
  config::Directory settings;
  std::unique_ptr<Directory> directory;
};

TEST_F(RedisDirectoryTest, AHashIsAUser) {
  RedisServer server;
  server.say({"HSET", "user:joe@example.com", "password", "{PLAIN}secret", "host", "b1", "shard", "a", "uid", "1000",
              "backend_password", "canary"});
  server.say({"HSET", "user:off@example.com", "password", "{PLAIN}secret", "disabled", "1"});
  server.say({"HSET", "user:bad@example.com", "disabled", "perhaps"});
  server.say({"SET", "user:text@example.com", "x"});
  settings.fields = {"host=backend"};
  use({server.address()});
  for (int i = 0; i < 3; ++i) {
    LookupResult joe = ask("joe@example.com");
    EXPECT_EQ(joe.verdict, Verdict::ok) << joe.detail;
    EXPECT_TRUE(joe.identity.verified);
    EXPECT_EQ(joe.identity.backend + joe.identity.shard, "b1a");
    EXPECT_TRUE(joe.identity.backend_password.equals("canary"));
  }
  EXPECT_EQ(ask("joe@example.com", "wrong").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("joe@example.com", "").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("off@example.com").verdict, Verdict::disabled);
  EXPECT_EQ(ask("joe@example.com", "", Want::placement).identity.shard, "a");
  EXPECT_EQ(ask("joe@example.com", "", Want::account).verdict, Verdict::ok);
  EXPECT_TRUE(ask("joe@example.com", "", Want::secret).secret.cleartext.equals("secret"));
  EXPECT_EQ(ask("joe@example.com", "", Want::token).verdict, Verdict::no_such_user);
  LookupResult bad = ask("bad@example.com");
  EXPECT_EQ(bad.verdict, Verdict::try_later);
  EXPECT_EQ(bad.detail, "directory users: field disabled: disabled is neither yes nor no");
  LookupResult text = ask("text@example.com");
  EXPECT_EQ(text.verdict, Verdict::try_later);
  EXPECT_THAT(text.detail, HasSubstr("WRONGTYPE"));
}

TEST_F(RedisDirectoryTest, A5_NamesAreOnlyNames) {
  RedisServer server;
  server.say({"HSET", "user:joe", "password", "{PLAIN}secret"});
  server.say({"HSET", "other", "password", "{PLAIN}secret"});
  use({server.address()});
  for (const std::string& name :
       {std::string(), std::string("*"), std::string("joe\r\nDEL user:joe"), std::string("joe\0", 4),
        std::string("j\xf6rg"), std::string("%u"), std::string("@"), std::string(100'000, 'x')}) {
    EXPECT_EQ(ask(name).verdict, Verdict::no_such_user) << name.substr(0, 20);
  }
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
}

TEST_F(RedisDirectoryTest, OurOwnLoginAndADatabase) {
  RedisServer server(
      {"--requirepass", "admin-key", "--user", "proxy", "on", ">canary", "~user:*", "+hgetall", "+select"});
  RedisTerms admin;
  admin.password = Secret("admin-key");
  admin.database = 3;
  server.say({"HSET", "user:joe", "password", "{PLAIN}secret"}, admin);
  settings.login = "proxy";
  settings.password = Secret("canary");
  settings.redis.database = 3;
  use({server.address()});
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  settings.password = Secret("canary-wrong");
  use({server.address()});
  LookupResult refused = ask("joe");
  EXPECT_EQ(refused.verdict, Verdict::try_later);
  EXPECT_THAT(refused.detail, HasSubstr("our login is refused: WRONGPASS"));
  EXPECT_THAT(refused.detail, Not(HasSubstr("canary")));
  settings.login.clear();
  settings.password = {};
  use({server.address()});
  EXPECT_THAT(ask("joe").detail, HasSubstr("NOAUTH"));
  settings.password = Secret("admin-key");
  settings.redis.database = 99;
  use({server.address()});
  EXPECT_THAT(ask("joe").detail, HasSubstr("redis.database"));
}

TEST_F(RedisDirectoryTest, TlsIsVerifiedWithItsName) {
  Authority authority, other;
  config::Certificate files = authority.issue("redis", "IP:127.0.0.1");
  RedisServer server({}, {"--tls-cert-file", files.certificate_file, "--tls-key-file", files.key_file,
                          "--tls-ca-cert-file", authority.ca_file(), "--tls-auth-clients", "no"});
  settings.tls = config::Directory::Tls::on;
  settings.tls_ca = authority.ca_file();
  use({server.address()});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
  use({"localhost:" + std::to_string(server.port())});
  LookupResult wrong = ask("joe");
  EXPECT_EQ(wrong.verdict, Verdict::try_later);
  EXPECT_THAT(wrong.detail, HasSubstr("TLS: Hostname mismatch"));
  settings.tls_ca = other.ca_file();
  use({server.address()});
  EXPECT_THAT(ask("joe").detail, HasSubstr("TLS: "));
  settings.tls_verify = false;
  use({server.address()});
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
  settings.tls = config::Directory::Tls::off;
  settings.timeout_ms = 300;
  use({server.address()});
  EXPECT_EQ(ask("joe").verdict, Verdict::try_later);
}

TEST_F(RedisDirectoryTest, WhoCannotBeReachedIsNoNo) {
  RedisServer first, second;
  for (RedisServer* server : {&first, &second}) server->say({"HSET", "user:joe", "password", "{PLAIN}secret"});
  settings.timeout_ms = 300;
  use({first.address(), second.address()});
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  first.stop();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("joe").verdict, Verdict::ok) << "the other one knows him";
  second.hold(true);
  LookupResult none = ask("joe");
  EXPECT_EQ(none.verdict, Verdict::try_later);
  EXPECT_THAT(none.detail, HasSubstr("directory users: 127.0.0.1:"));
  second.hold(false);
  settings.timeout_ms = 5'000;
  use({first.address(), second.address()});
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  second.stop();
  EXPECT_EQ(ask("joe").verdict, Verdict::try_later);
  second.start();
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user) << "back by itself, with nothing in its memory";
}

TEST_F(RedisDirectoryTest, AClusterIsFollowed) {
  RedisServer one({"--cluster-enabled", "yes"}), two({"--cluster-enabled", "yes"});
  one.say({"CLUSTER", "ADDSLOTSRANGE", "0", "8191"});
  two.say({"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"});
  one.say({"CLUSTER", "MEET", "127.0.0.1", std::to_string(two.port())});
  auto ready = [](RedisServer& server) {
    return server.say({"CLUSTER", "INFO"}).text.find("cluster_state:ok") != std::string::npos &&
           server.say({"CLUSTER", "SLOTS"}).elements.size() == 2;
  };
  for (int i = 0; i < 600 && !(ready(one) && ready(two)); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  int in_one = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string key = "user:joe" + std::to_string(i);
    const bool first = RedisCluster::slot_of(key) < 8192;
    in_one += first;
    (first ? one : two).say({"HSET", key, "password", "{PLAIN}secret"});
  }
  ASSERT_TRUE(in_one > 0 && in_one < 8);
  settings.redis.cluster = true;
  use({one.address()});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(ask("joe" + std::to_string(i)).verdict, Verdict::ok) << i;
  EXPECT_EQ(ask("nobody").verdict, Verdict::no_such_user);
  settings.redis.cluster = false;
  use({one.address()});
  int elsewhere = 0;
  for (int i = 0; i < 8; ++i) elsewhere += ask("joe" + std::to_string(i)).verdict == Verdict::try_later;
  EXPECT_EQ(elsewhere, 8 - in_one) << "without cluster = true nobody is followed";
}

TEST(RedisDirectories, WhoCannotBeReachedAtTheStartIsAWarning) {
  config::Directory settings;
  settings.name = "users";
  settings.type = config::Directory::Type::redis;
  settings.servers = {"127.0.0.1:1"};
  auto source = load_redis_directory(settings);
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->warning(), "directory users: 127.0.0.1:1: Connection refused");
}

TEST(RedisDirectories, WhatIsWrongInItselfDoesNotLoad) {
  config::Directory settings;
  settings.name = "users";
  settings.type = config::Directory::Type::redis;
  settings.servers = {"127.0.0.1"};
  auto why = [&] { return load_redis_directory(settings).error().message; };
  settings.redis.key = "user:%x";
  EXPECT_THAT(why(), HasSubstr("directory users: redis.key: %x"));
  settings.redis.key = "user:%u";
  settings.fields = {"a=shrad"};
  EXPECT_EQ(why(), "directory users: fields: there is no field \"shrad\"");
  settings.fields.clear();
  settings.servers = {"a:b:c"};
  EXPECT_THAT(why(), HasSubstr("directory users: servers: a:b:c"));
  settings.servers = {"127.0.0.1"};
  settings.tls = config::Directory::Tls::on;
  settings.tls_ca = "/nonexistent.pem";
  EXPECT_EQ(why(), "directory users: tls_ca: cannot read /nonexistent.pem");
}

}  // namespace
}  // namespace postigo
