// Whom a key of Postfix' maps means: users, addresses, extensions, and all that is none of ours.
#include "proxy/control/oracle.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace postigo {
namespace {

std::string user(std::string_view key, const config::Lookup& settings = {}, bool vouched = true,
                 std::string_view default_domain = "") {
  config::NameForm form;
  form.domain_aliases = {"alias.example=example.com"};
  return user_of_key(key, settings, default_domain, Names(form), vouched).value_or("(none)");
}

config::Lookup with(std::vector<std::string> domains, std::string delimiter = "+", bool strip_domain = false) {
  config::Lookup settings;
  settings.domains = std::move(domains);
  settings.delimiter = std::move(delimiter);
  settings.strip_domain = strip_domain;
  return settings;
}

TEST(UserOfKey, UsersAndAddresses) {
  EXPECT_EQ(user("alice"), "alice");
  EXPECT_EQ(user("alice@example.com"), "alice@example.com");
  EXPECT_EQ(user("a@b@example.com"), "a@b@example.com");
  EXPECT_EQ(user("a.b"), "a.b");
}

// A domain and its alias are one, in the list and in the key; the name keeps its spelling until it is normalised.
TEST(UserOfKey, AliasesOfDomains) {
  EXPECT_EQ(user("alice@alias.example", with({"example.com"})), "alice@alias.example");
  EXPECT_EQ(user("alice@Example.com", with({"alias.example"})), "alice@Example.com");
  EXPECT_EQ(user("alice@example.org", with({"alias.example"})), "(none)");
  EXPECT_EQ(user("alice@alias.example", {}, false, "example.com"), "alice@alias.example");
  EXPECT_EQ(user("alice@", {}, false, ""), "(none)");
}

TEST(UserOfKey, Extensions) {
  EXPECT_EQ(user("alice+lists@example.com"), "alice@example.com");
  EXPECT_EQ(user("alice+lists+more"), "alice");
  EXPECT_EQ(user("+x@example.com"), "+x@example.com");
  EXPECT_EQ(user("alice-x@example.com", with({}, "-")), "alice@example.com");
  EXPECT_EQ(user("alice+x@example.com", with({}, "")), "alice+x@example.com");
}

TEST(UserOfKey, WhatPostfixAsksForBesides) {
  for (const char* key : {"", "*", ".example.com", "@example.com"}) EXPECT_EQ(user(key), "(none)") << key;
}

// Nobody can say that a name is no user, so only what is surely ours is: mail for elsewhere must not end here.
TEST(UserOfKey, WithoutADirectoryOnlyDomainsThatAreNamed) {
  EXPECT_EQ(user("alice@example.org", {}, false), "(none)");
  EXPECT_EQ(user("example.org", {}, false), "(none)");
  EXPECT_EQ(user("alice", {}, false), "alice");
  EXPECT_EQ(user("alice@Example.com", {}, false, "example.com"), "alice@Example.com");
  EXPECT_EQ(user("alice@example.net", with({"example.net"}), false, "example.com"), "alice@example.net");
  EXPECT_EQ(user("alice@example.com", with({"example.net"}), false, "example.com"), "(none)");
  EXPECT_EQ(user("alice@example.com", with({"example.net"}), true), "(none)");
}

TEST(UserOfKey, NamesWithoutADomain) {
  EXPECT_EQ(user("alice+x@example.com", with({"example.com"}, "+", true)), "alice");
  EXPECT_EQ(user("alice@example.org", with({"example.com"}, "+", true)), "(none)");
}

}  // namespace
}  // namespace postigo
