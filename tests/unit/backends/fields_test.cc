// What servers say of a user, by name.
#include "backends/directory/fields.h"

#include <gtest/gtest.h>

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

TEST(Fields, OtherNamesForThem) {
  auto names = FieldNames::parse({"mailHost=shard", "userPassword=password"});
  ASSERT_TRUE(names);
  EXPECT_EQ(names->ours("MAILHOST"), "shard");
  EXPECT_EQ(names->ours("pool"), "pool");
  EXPECT_EQ(FieldNames::parse({"a=sahrd"}).error().message, "there is no field \"sahrd\"");
}

}  // namespace
}  // namespace postigo
