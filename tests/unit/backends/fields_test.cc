// What servers say of a user, by name.
#include "backends/directory/fields.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_env.h"

namespace postigo {
namespace {

TEST(Fields, EachHasItsPlace) {
  Entry entry;
  EXPECT_TRUE(set_field(entry, "PASSWORD", "{PLAIN}x").value());
  EXPECT_TRUE(set_field(entry, "pool", "main").value());
  EXPECT_TRUE(set_field(entry, "shard", "a").value());
  EXPECT_TRUE(set_field(entry, "backend_user", "joe-at-home").value());
  EXPECT_TRUE(set_field(entry, "disabled", "t").value());
  EXPECT_EQ(entry, (Entry{"", "{PLAIN}x", "main", "a", "joe-at-home", true}));
  EXPECT_TRUE(set_field(entry, "enabled", "TRUE").value());
  EXPECT_FALSE(entry.disabled);
}

TEST(Fields, WhatNobodyAskedForIsLeftAlone) {
  Entry entry;
  EXPECT_FALSE(set_field(entry, "uid", "1000").value());
  EXPECT_EQ(entry, Entry());
}

TEST(Fields, NeitherYesNorNoIsAnError) {
  Entry entry;
  EXPECT_EQ(set_field(entry, "disabled", "maybe").error().message, "disabled is neither yes nor no");
}

TEST(Fields, ABackendAndWhatOpensIt) {
  Entry entry;
  EXPECT_TRUE(set_field(entry, "backend", "192.0.2.1:143").value());
  EXPECT_TRUE(set_field(entry, "Backend_Password", "canary").value());
  EXPECT_EQ(entry.backend, "192.0.2.1:143");
  EXPECT_TRUE(entry.backend_password.equals("canary"));
  EXPECT_EQ(set_field(entry, "backend_password", "canary\r\n").error().message, "backend_password is not one line");
}

// The backend of a domain is that of its users who have none; its password would be everybody's.
TEST(Fields, TheyReachTheIdentity) {
  fakes::FakeEnv env;
  auto identity = [&](const Found& found) {
    Query query;
    query.user = "joe@example.com";
    query.password = Secret("secret");
    Identity known;
    Lookup lookup([&](LookupResult result) {
      EXPECT_EQ(result.verdict, Verdict::ok) << result.detail;
      known = std::move(result.identity);
    });
    answer(env, lookup, query, found, Checking{true, "{PLAIN}x"});
    env.run();
    return known;
  };
  Entry own, domain;
  own.name = "joe@example.com";
  own.password = "{PLAIN}secret";
  domain.name = "@example.com";
  domain.backend = "b";
  domain.backend_password = Secret("canary");
  Identity joe = identity({own, domain});
  EXPECT_EQ(joe.backend, "b");
  EXPECT_TRUE(joe.backend_password.empty());
  own.backend_password = Secret("key");
  own.shard = "s";
  joe = identity({own, domain});
  EXPECT_EQ(joe.backend + '/' + joe.shard, "/s");
  EXPECT_TRUE(joe.backend_password.equals("key"));
  EXPECT_TRUE(joe.verified);
}

TEST(Fields, OtherNamesForThem) {
  auto names = FieldNames::parse({"mailHost=shard", "userPassword=password"});
  ASSERT_TRUE(names);
  EXPECT_EQ(names->ours("MAILHOST"), "shard");
  EXPECT_EQ(names->ours("pool"), "pool");
  EXPECT_EQ(FieldNames::parse({"a=sahrd"}).error().message, "there is no field \"sahrd\"");
}

}  // namespace
}  // namespace postigo
