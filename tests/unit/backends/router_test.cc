// Where a user goes: directory, rules in the file's order, hash; and how the decision is told.
#include "backends/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace postigo {
namespace {

using testing::HasSubstr;

config::Backend backend(const std::string& name, bool imap = true, bool pop3 = true) {
  config::Backend made;
  made.name = name;
  made.host = "127.0.0.1";
  made.ports["imap"] = imap ? 143 : 0;
  made.ports["pop3"] = pop3 ? 110 : 0;
  return made;
}

config::Rule rule(const std::string& kind, const std::string& what, const std::string& pool,
                  const std::string& shard = "") {
  config::Rule made;
  (kind == "user" ? made.user : kind == "domain" ? made.domain : made.regex) = what;
  made.pool = pool;
  made.shard = shard;
  return made;
}

// Pool main: shards a (a1, a2), b, c. Pool vip: shard gold (a1), and "mixed" whose second backend has no POP3.
config::Live world() {
  config::Live live;
  for (const char* name : {"a1", "a2", "b", "c"}) live.backends.push_back(backend(name));
  live.backends.push_back(backend("imap-only", true, false));
  config::Pool main{"main", {{"a", 1.0, {"a1", "a2"}}, {"b", 1.0, {"b"}}, {"c", 1.0, {"c"}}}};
  config::Pool vip{"vip", {{"gold", 1.0, {"a1"}}, {"mixed", 1.0, {"imap-only", "b"}}, {"deaf", 1.0, {"imap-only"}}}};
  live.pools = {main, vip};
  return live;
}

Identity who(const std::string& user, const std::string& pool = "", const std::string& shard = "") {
  Identity identity;
  identity.user = user;
  identity.pool = pool;
  identity.shard = shard;
  return identity;
}

std::string reason(const Router& router, const Identity& identity) {
  auto route = router.explain(identity, "imap");
  return route ? route->reason : "error: " + route.error().message;
}

TEST(Router, NormalisesCaseAndDomain) {
  config::Live live = world();
  EXPECT_EQ(Router(live).normalise("Joe@EXAMPLE.com"), "joe@example.com");
  EXPECT_EQ(Router(live).normalise("Joe"), "joe");
  live.routing.default_domain = "example.com";
  EXPECT_EQ(Router(live).normalise("Joe"), "joe@example.com");
  EXPECT_EQ(Router(live).normalise("joe@other.org"), "joe@other.org");
  EXPECT_EQ(Router(live).normalise(""), "");
  EXPECT_EQ(Router(live).normalise("J\xc3\x96rg"), "j\xc3\x96rg@example.com") << "ASCII only, other octets stay";
  live.routing.lowercase = false;
  EXPECT_EQ(Router(live).normalise("Joe"), "Joe@example.com");
}

TEST(Router, HashesOverTheDefaultPool) {
  Router router(world());
  std::set<std::string_view> shards;
  for (int i = 0; i < 200; ++i) {
    auto route = router.explain(who(std::string("user").append(std::to_string(i))), "imap");
    ASSERT_TRUE(route);
    EXPECT_EQ(route->pool, "main");
    EXPECT_EQ(route->reason, "hash over 3 shards");
    shards.insert(route->shard);
  }
  EXPECT_EQ(shards.size(), 3u);
}

TEST(Router, CandidatesStandInTheShardsOrder) {
  Router router(world());
  auto route = router.route(who("x", "main", "a"), "imap");
  ASSERT_TRUE(route);
  ASSERT_EQ(route->candidates.size(), 2u);
  EXPECT_EQ(route->candidates[0]->name, "a1");
  EXPECT_EQ(route->candidates[1]->name, "a2");
  EXPECT_TRUE(route->reason.empty()) << "only explain() pays for words";
}

TEST(Router, OnlyBackendsThatServeTheProtocol) {
  Router router(world());
  auto pop3 = router.route(who("x", "vip", "mixed"), "pop3");
  ASSERT_TRUE(pop3);
  ASSERT_EQ(pop3->candidates.size(), 1u);
  EXPECT_EQ(pop3->candidates[0]->name, "b");
  EXPECT_EQ(router.route(who("x", "vip", "mixed"), "imap")->candidates.size(), 2u);
  auto none = router.route(who("x", "vip", "deaf"), "pop3");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "no backend of shard deaf serves pop3");
  EXPECT_FALSE(router.route(who("x"), "gopher"));
}

TEST(Router, TheFirstRuleThatMatchesDecides) {
  config::Live live = world();
  live.routing.rules = {
      rule("regex", "info@.*", "main", "c"),        rule("domain", "example.com", "main", "b"),
      rule("user", "joe@example.com", "vip"),       rule("user", "ann@other.org", "vip", "gold"),
      rule("regex", ".*@other\\.org", "main", "a"), rule("domain", "other.org", "main", "b"),
      rule("user", "ann@other.org", "main", "c"),
  };
  Router router(live);
  EXPECT_EQ(reason(router, who("info@example.com")), "rule 1 (regex info@.*)");
  EXPECT_EQ(reason(router, who("joe@example.com")), "rule 2 (domain example.com)") << "the domain stands first";
  EXPECT_EQ(reason(router, who("ann@other.org")), "rule 4 (user ann@other.org)");
  EXPECT_EQ(reason(router, who("bob@other.org")), "rule 5 (regex .*@other\\.org)");
  EXPECT_EQ(reason(router, who("bob@third.net")), "hash over 3 shards");
  EXPECT_EQ(reason(router, who("xinfo@third.net")), "hash over 3 shards") << "the regex must match the whole name";
}

TEST(Router, ARuleWithoutShardHashesOverItsPool) {
  config::Live live = world();
  live.routing.rules = {rule("domain", "example.com", "vip"), rule("domain", "x.org", "", "b")};
  Router router(live);
  EXPECT_EQ(reason(router, who("joe@example.com")), "rule 1 (domain example.com), hash over 3 shards");
  EXPECT_EQ(router.route(who("joe@example.com"), "imap")->pool, "vip");
  EXPECT_EQ(router.route(who("joe@x.org"), "imap")->shard, "b") << "no pool: the default one";
}

TEST(Router, TheDirectoryComesBeforeRules) {
  config::Live live = world();
  live.routing.rules = {rule("regex", ".*", "main", "a")};
  Router router(live);
  EXPECT_EQ(reason(router, who("joe", "vip", "gold")), "directory");
  EXPECT_EQ(reason(router, who("joe", "vip")), "directory, hash over 3 shards");
  EXPECT_EQ(router.route(who("joe", "", "c"), "imap")->shard, "c");
  EXPECT_EQ(reason(router, who("joe")), "rule 1 (regex .*)");
}

TEST(Router, AnUnknownPlacementIsOurMisconfiguration) {
  Router router(world());
  EXPECT_THAT(reason(router, who("joe", "nowhere")), HasSubstr("a pool that does not exist: nowhere"));
  EXPECT_THAT(reason(router, who("joe", "main", "gold")), HasSubstr("a shard that pool main does not have: gold"));
}

TEST(Router, DefaultPoolCanBeNamed) {
  config::Live live = world();
  live.routing.default_pool = "vip";
  EXPECT_EQ(Router(live).route(who("joe"), "imap")->pool, "vip");
}

TEST(Router, CheckNamesTheRuleWhoseRegexIsBad) {
  config::Live live = world();
  EXPECT_TRUE(Router::check(live).empty());
  live.routing.rules = {rule("regex", "ok.*", "main"), rule("regex", "(open", "main"), rule("user", "x", "gone"),
                        rule("user", "y", "main", "gold")};
  auto problems = Router::check(live);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].key, "routing.rule[1].regex");
  EXPECT_THAT(problems[0].message, HasSubstr("rule 2: bad regex: missing )"));
  EXPECT_EQ(problems[1].key, "routing.rule[2].pool");
  EXPECT_EQ(problems[2].message, "rule 4: pool main has no shard \"gold\"");
}

TEST(Router, CheckNamesWhatDoesNotResolve) {
  config::Live live = world();
  live.pools[0].shards[1].backends.push_back("ghost");
  live.pools[0].shards[1].weight = 0;
  live.pools.push_back({"empty", {}});
  EXPECT_EQ(Router::check(live).size(), 3u);
  live.routing.default_pool = "nowhere";
  EXPECT_EQ(Router::check(live).back().message, "no pool is called \"nowhere\"");
  EXPECT_EQ(Router::check(config::Live()).size(), 1u);
}

TEST(Router, TenThousandExactRulesAreFound) {
  config::Live live = world();
  for (int i = 0; i < 10000; ++i)
    live.routing.rules.push_back(rule("user", std::string("u").append(std::to_string(i)), "main", "b"));
  Router router(live);
  EXPECT_EQ(reason(router, who("u9999")), "rule 10000 (user u9999)");
  EXPECT_EQ(reason(router, who("u10000")), "hash over 3 shards");
}

// A15: names are octets; nothing in the router minds.
TEST(Router, AnyOctetsAreAName) {
  config::Live live = world();
  live.routing.rules = {rule("regex", "a.*", "vip", "gold")};
  Router router(live);
  for (const std::string& name : {std::string("\xff\xfe"), std::string("a\xc0\x80"), std::string(1, '\0'),
                                  std::string(100000, 'x'), std::string(), std::string("@"), std::string("%u")}) {
    EXPECT_TRUE(router.route(who(name), "imap"));
  }
}

// Operators' regexes run in linear time (RE2): the classic bomb is harmless.
// A name in another character set than UTF-8 meets the same rules: by its octets.
TEST(Router, T76_RulesForNamesThatAreNotUtf8) {
  config::Live live = world();
  live.routing.rules = {rule("regex", "j.rg@.*", "vip", "gold"), rule("domain", "example.net", "main", "b")};
  Router router(live);
  EXPECT_EQ(reason(router, who("j\xf6rg@example.com")), "rule 1 (regex j.rg@.*)");
  EXPECT_EQ(reason(router, who("j\xc3\xb6rg@example.com")), "rule 1 (regex j.rg@.*)");
  EXPECT_EQ(reason(router, who("jos\xe9@example.net")), "rule 2 (domain example.net)");
  EXPECT_THAT(reason(router, who("\x83\x40")), HasSubstr("hash"));
}

TEST(Router, ARegexBombIsHarmless) {
  config::Live live = world();
  live.routing.rules = {rule("regex", "(a*)*b", "vip", "gold")};
  EXPECT_EQ(reason(Router(live), who(std::string(512, 'a'))), "hash over 3 shards");
}

// A directory that knows the backend itself.
TEST(Router, ABackendByNameOrAddressIsTheOnlyCandidate) {
  config::Live live = world();
  live.backends[1].host = "192.0.2.2";
  live.backends[2].host = "2001:db8::2";
  live.backends[3].host = "Mail.example.org";
  live.routing.rules = {rule("user", "joe", "vip", "gold")};
  Router router(live);
  auto to = [&](const std::string& backend, std::string_view protocol = "imap") {
    Identity identity = who("joe", "vip", "gold");
    identity.backend = backend;
    auto route = router.explain(identity, protocol);
    if (!route) return route.error().message;
    EXPECT_EQ(route->candidates.size(), 1u);
    return std::string(route->pool) + '/' + std::string(route->shard) + '/' + route->candidates[0]->name + ' ' +
           route->reason;
  };
  EXPECT_EQ(to("a2"), "main/a/a2 directory");
  EXPECT_EQ(to("192.0.2.2:143"), "main/a/a2 directory");
  EXPECT_EQ(to("192.0.2.2:110", "pop3"), "main/a/a2 directory");
  EXPECT_EQ(to("192.0.2.2"), "main/a/a2 directory");
  EXPECT_EQ(to("::ffff:192.0.2.2"), "main/a/a2 directory");
  for (const char* said : {"[2001:db8::2]:143", "[2001:DB8:0::2]:143", "2001:db8::2", "[2001:db8::2]"}) {
    EXPECT_EQ(to(said), "main/b/b directory") << said;
  }
  EXPECT_EQ(to("mail.EXAMPLE.org:143"), "main/c/c directory");
  for (const char* said :
       {"192.0.2.2:144", "192.0.2.3:143", "x", "192.0.2.2:", "192.0.2.2:143x", "[192.0.2.2", ":143"}) {
    EXPECT_THAT(to(said), HasSubstr("the directory names a backend that no [[backend]] is")) << said;
  }
  EXPECT_THAT(to("imap-only", "pop3"), HasSubstr("does not serve pop3"));
  live.backends.push_back(backend("lonely"));
  Router more(live);
  Identity identity = who("joe");
  identity.backend = "lonely";
  EXPECT_EQ(more.route(identity, "imap").error().message, "backend lonely, which the directory names, is in no pool");
}

}  // namespace
}  // namespace postigo
