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
  for (std::string_view lines :
       {std::string_view("joe\r\nUSER ann"), std::string_view("joe\n"), std::string_view("joe\0", 4)}) {
    EXPECT_EQ(set_field(entry, "backend_user", lines).error().message, "backend_user is not one line");
  }
  EXPECT_TRUE(set_field(entry, "disabled", "t").value());
  EXPECT_EQ(entry, (Entry{{"", "{PLAIN}x", "main", "a", "joe-at-home", true}}));
  EXPECT_TRUE(set_field(entry, "enabled", "TRUE").value());
  EXPECT_FALSE(entry.disabled);
}

TEST(Fields, WhatAUserMayAndWhen) {
  Entry entry;
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"networks", "10.0.0.0/8, 2001:db8::/32"},
                                                        {"protocols", "IMAP"},
                                                        {"listeners", "imaps;submission"},
                                                        {"valid_from", "2026-08-01"},
                                                        {"valid_until", "1800000000"},
                                                        {"disabled_until", "2026-08-01 18:00"},
                                                        {"moving_until", ""},
                                                        {"class", "premium"},
                                                        {"sessions_max", "17"},
                                                        {"main_password", "no"}}) {
    auto set = set_field(entry, name, value);
    EXPECT_TRUE(set && *set) << name;
  }
  EXPECT_EQ(
      entry.may,
      (config::Conditions{{"10.0.0.0/8", "2001:db8::/32"}, {"imap"}, {"imaps", "submission"}, 1785542400, 1800000000}));
  EXPECT_EQ(entry.disabled_until_s, 1785542400 + 18 * 3600);
  EXPECT_EQ(entry.moving_until_s, 0);
  EXPECT_EQ(entry.limit_class, "premium");
  EXPECT_EQ(entry.sessions_max, 17u);
  EXPECT_FALSE(entry.main_password);
}

TEST(Fields, WhatOneSaysIsWhatItTakes) {
  Entry entry, other;
  entry.name = "joe";
  entry.password = "{PLAIN}x";
  entry.pool = "main";
  entry.disabled = true;
  entry.may = {{"10.0.0.0/8", "192.0.2.1"}, {"imap", "pop3"}, {"imaps"}, 1'000'000'000, 2'000'000'000};
  entry.disabled_until_s = 1'234'567'890;
  entry.sessions_max = 3;
  entry.main_password = false;
  for (std::string_view name : field_names()) EXPECT_TRUE(set_field(other, name, field_text(entry, name)).value());
  EXPECT_EQ(field_text(entry, "user"), "joe");
  other.name = "joe";
  EXPECT_EQ(other, entry);
}

TEST(Fields, WhatIsWrongWithAValue) {
  Entry entry;
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{{"networks", "10.0.0.1/8"},
                                                                                    {"networks", "everywhere"},
                                                                                    {"protocols", "smtp"},
                                                                                    {"sessions_max", "-1"},
                                                                                    {"sessions_max", "many"},
                                                                                    {"valid_until", "tomorrow"},
                                                                                    {"main_password", "perhaps"}}) {
    auto set = set_field(entry, name, value);
    ASSERT_FALSE(set) << name << ' ' << value;
    EXPECT_EQ(set.error().message.find(name), 0u) << set.error().message;
  }
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
