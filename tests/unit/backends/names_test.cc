// What becomes of names: each step, their order, that they rest, and what is refused; then that every place of the
// configuration meets the same names.
#include "backends/names/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "backends/directory/passwd_table.h"
#include "backends/names/configured.h"
#include "backends/names/domains.h"
#include "backends/router.h"

namespace postigo {
namespace {

using config::NameForm;
using testing::HasSubstr;

std::string made(const NameForm& form, std::string_view name) {
  auto result = Names(form).normalise(name);
  return result ? *result : "refused: " + result.error().message;
}

std::string faults(const NameForm& form) {
  std::string text;
  for (const config::Problem& each : Names::check(form)) text += each.key + ": " + each.message + "\n";
  return text;
}

TEST(Names, CaseAndDefaultDomain) {
  EXPECT_EQ(made({}, "Joe@EXAMPLE.com"), "joe@example.com");
  EXPECT_EQ(made({.lowercase = false}, "Joe@EXAMPLE.com"), "Joe@EXAMPLE.com");
  NameForm form;
  form.default_domain = "example.com";
  EXPECT_EQ(made(form, "Joe"), "joe@example.com");
  EXPECT_EQ(made(form, "joe"), "joe@example.com");
  EXPECT_EQ(made(form, "joe@other.example"), "joe@other.example");
  EXPECT_EQ(made(form, ""), "") << "a token may name nobody";
}

TEST(Names, AliasesOfDomains) {
  NameForm form;
  form.domain_aliases = {"Example.NET=example.com",
                         "b\xc3\xbc"
                         "cher.example=example.org"};
  EXPECT_EQ(made(form, "joe@example.net"), "joe@example.com");
  EXPECT_EQ(made(form, "joe@EXAMPLE.NET"), "joe@example.com");
  EXPECT_EQ(made(form, "joe@sub.example.net"), "joe@sub.example.net");
  EXPECT_EQ(made(form, "example.net"), "example.net") << "it has no domain";
  EXPECT_EQ(made(form, "joe@xn--bcher-kva.example"), "joe@example.org");
  form.lowercase = false;
  EXPECT_EQ(made(form, "Joe@Example.Net"), "Joe@example.com");
  form.default_domain = "example.net";
  EXPECT_EQ(made(form, "Joe"), "Joe@example.com");
}

TEST(Names, InternationalDomainsHaveOneSpelling) {
  const std::string unicode =
                        "joe@b\xc3\xbc"
                        "cher.example",
                    capital =
                        "joe@B\xc3\x9c"
                        "CHER.example";
  EXPECT_EQ(made({}, unicode), "joe@xn--bcher-kva.example");
  EXPECT_EQ(made({}, capital), "joe@xn--bcher-kva.example");
  EXPECT_EQ(made({}, "joe@XN--BCHER-KVA.example"), "joe@xn--bcher-kva.example");
  EXPECT_EQ(made({}, "joe@fa\xc3\x9f.example"), "joe@xn--fa-hia.example") << "not fass: non-transitional";
  NameForm form;
  form.idn = NameForm::Idn::unicode;
  EXPECT_EQ(made(form, "joe@xn--bcher-kva.example"), unicode);
  EXPECT_EQ(made(form, capital), unicode);
  form.idn = NameForm::Idn::keep;
  EXPECT_EQ(made(form, unicode), unicode);
  EXPECT_EQ(made(form, "joe@xn--bcher-kva.example"), "joe@xn--bcher-kva.example");
}

// Nothing that is written so is somebody else's domain, and nothing gets a second "@" or a blank.
TEST(Names, WhatIsNoInternationalDomainStays) {
  for (const char* name : {"joe@\xef\xbc\xa0"
                           "example.com",
                           "joe@a\xe2\x80\xa8"
                           "b.example",
                           "joe@\xff.example", "joe@\xc2\xad"}) {
    EXPECT_EQ(made({}, name), name);
  }
  NameForm form;
  form.idn = NameForm::Idn::unicode;
  EXPECT_EQ(made(form, "joe@xn--a.example"), "joe@xn--a.example");
  EXPECT_FALSE(domain_to_ascii(std::string(70, 'a') + "\xc3\xb6.example"));
  EXPECT_FALSE(domain_to_ascii(""));
}

TEST(Names, ExtensionsAreCutOff) {
  NameForm form;
  form.delimiter = "+-";
  EXPECT_EQ(made(form, "joe+lists@example.com"), "joe@example.com");
  EXPECT_EQ(made(form, "joe+lists+more-x@example.com"), "joe@example.com");
  EXPECT_EQ(made(form, "joe-x"), "joe");
  EXPECT_EQ(made(form, "+joe@example.com"), "+joe@example.com") << "nobody would be left";
  EXPECT_EQ(made(form, "joe@ex-ample.com"), "joe@ex-ample.com");
  EXPECT_EQ(made({}, "joe+x@example.com"), "joe+x@example.com");
}

TEST(Names, DomainsAreStripped) {
  NameForm form;
  form.strip_domains = {"example.com"};
  form.domain_aliases = {"example.net=example.com"};
  EXPECT_EQ(made(form, "joe@example.com"), "joe");
  EXPECT_EQ(made(form, "JOE@Example.Net"), "joe");
  EXPECT_EQ(made(form, "joe@example.org"), "joe@example.org");
  form.strip_domains = {"*"};
  EXPECT_EQ(made(form, "joe@example.org"), "joe");
  EXPECT_EQ(made(form, "joe@a@example.org"), "joe");
  EXPECT_THAT(made(form, "@example.org"), HasSubstr("refused"));
}

TEST(Names, RulesInTheirOrderUntilNothingChanges) {
  NameForm form;
  form.rewrites = {{"([^%@]+)%([^%@]+)", "\\1@\\2"}, {"old-(.+)", "\\1"}, {"boss@example\\.com", "ann@example.com"}};
  EXPECT_EQ(faults(form), "");
  EXPECT_EQ(made(form, "Joe%Example.ORG"), "joe@example.org");
  EXPECT_EQ(made(form, "old-boss%example.com"), "ann@example.com") << "each on what the one before left";
  EXPECT_EQ(made(form, "old-old-joe"), "joe") << "again, until it rests";
  EXPECT_EQ(made(form, "a-boss@example.com"), "a-boss@example.com") << "whole names only";
  form.default_domain = "example.com";
  EXPECT_EQ(made(form, "joe%example.org"), "joe@example.org") << "before the default domain";
  EXPECT_EQ(made(form, "old-boss"), "ann@example.com") << "and again behind it";
}

TEST(Names, T76_RulesSeeOctetsOfNamesThatAreNotUtf8) {
  NameForm form;
  form.rewrites = {{"(.)oe", "\\1im"}};
  EXPECT_EQ(made(form, "\xe9oe"), "\xe9im");
  EXPECT_EQ(made(form, "\xc3\xa9oe"), "\xc3\xa9im");
}

TEST(Names, WhatNoLoginIsCalled) {
  EXPECT_EQ(made({}, std::string(512, 'x')), std::string(512, 'x'));
  EXPECT_THAT(made({}, std::string(513, 'x')), HasSubstr("longer"));
  for (const std::string& name :
       {std::string("a\nb"), std::string("a\tb"), std::string("a\0b", 3), std::string("\x7f")}) {
    EXPECT_THAT(made({}, name), HasSubstr("control"));
  }
  EXPECT_THAT(made({}, "@example.com"), HasSubstr("domain alone")) << "that is the entry of a domain";
  NameForm form;
  form.allowed = "[a-z.]+@[a-z.]+";
  form.length_max = 20;
  EXPECT_EQ(made(form, "Joe@example.com"), "joe@example.com");
  EXPECT_THAT(made(form, "joe smith@example.com"), HasSubstr("longer"));
  EXPECT_THAT(made(form, "j e@example.com"), HasSubstr("names.allowed"));
  form.rewrites = {{"x+y@.*", "@"}};
  EXPECT_THAT(made(form, "xy@a"), HasSubstr("domain alone"));
}

TEST(Names, RulesThatCannotBeMeant) {
  auto rule = [](const char* match, const char* replace) {
    NameForm form;
    form.rewrites = {{match, replace}};
    return faults(form);
  };
  EXPECT_THAT(rule("(a", "b"), HasSubstr("names.rewrite[0].match: bad regex: missing )"));
  EXPECT_THAT(rule("(a)b", "\\2"), HasSubstr("names.rewrite[0].replace: there is no \\2: match has 1 group\n"));
  EXPECT_THAT(rule("ab", "\\1"), HasSubstr("no group"));
  EXPECT_THAT(rule("(a)", "\\x"), HasSubstr("a \\ must stand before"));
  EXPECT_THAT(rule("(.*)@example\\.com", "\\1"), HasSubstr("may make an empty name"));
  EXPECT_THAT(rule("x([)]*)|(?:y)(z?)", "\\1\\2"), HasSubstr("may make an empty name"));
  EXPECT_EQ(rule("(.+)@example\\.com", "\\1"), "");
  EXPECT_EQ(rule("([^(]+)(?P<n>@.*)?", "\\1\\2"), "") << "the first cannot be empty";
  EXPECT_THAT(rule("(.+)", "x\\1"), HasSubstr("for ever"));
  EXPECT_THAT(rule("(.+)", "\\1\\1"), HasSubstr("for ever"));
  NameForm swap;
  swap.rewrites = {{"(.+)@a", "\\1@b"}, {"x@b", "x@a"}, {"x@a", "y@a"}, {"y@a", "x@a"}};
  EXPECT_EQ(faults(swap), "") << "odd, and it rests";
  NameForm form;
  form.allowed = "[a";
  form.domain_aliases = {"\xc3\xbc \xc3\xbc=example.com"};
  EXPECT_THAT(faults(form), HasSubstr("names.allowed: bad regex"));
  EXPECT_THAT(faults(form), HasSubstr("names.domain_aliases[0]: "));
}

// Whatever the form and the name: what is accepted rests, and is what its rules allow.
TEST(Names, WhatWasNormalisedIsNormalised) {
  const std::vector<std::string> parts = {"joe",
                                          "JOE",
                                          "@",
                                          "+",
                                          "%",
                                          "x",
                                          "example.com",
                                          "example.net",
                                          "EXAMPLE.COM",
                                          "\xc3\xbc",
                                          "\xff",
                                          "xn--bcher-kva",
                                          "b\xc3\xbc"
                                          "cher",
                                          ".",
                                          "-",
                                          "\xe3\x80\x82",
                                          "old-",
                                          "\xef\xbc\xa0",
                                          "\x81",
                                          "\xc2\xad",
                                          " "};
  std::mt19937 random(1);
  auto flip = [&](unsigned of) { return random() % of == 0; };
  for (int i = 0; i < 20000; ++i) {
    NameForm form;
    form.lowercase = !flip(4);
    form.idn = static_cast<NameForm::Idn>(random() % 3);
    if (flip(2)) form.delimiter = "+-";
    if (flip(2))
      form.domain_aliases = {
          "example.net=b\xc3\xbc"
          "cher.example.com",
          "x=example.com"};
    if (flip(3)) form.strip_domains = {flip(2) ? "*" : "example.com"};
    if (form.strip_domains.empty() && flip(3)) form.default_domain = "example.net";
    if (flip(2)) form.rewrites = {{"([^%]+)%(.+)", "\\1@\\2"}, {"old-(.+)", "\\1"}, {"x+(.+)", "y\\1"}};
    const Names names(form);
    std::string name;
    for (auto length = random() % 7; length > 0; --length) name += parts[random() % parts.size()];
    auto once = names.normalise(name);
    if (!once) continue;
    auto twice = names.normalise(*once);
    ASSERT_TRUE(twice) << name << ": " << twice.error().message;
    ASSERT_EQ(*once, *twice) << name;
    ASSERT_FALSE(once->empty() && !name.empty());
  }
}

// All that stands in a configuration, and the lines of a passwd-file, are called as logins are.
TEST(Names, EveryPlaceOfTheConfiguration) {
  config::Live live;
  live.names.domain_aliases = {"example.net=example.com"};
  live.names.delimiter = "+";
  live.routing.rules.emplace_back().user = "Joe+x@example.net";
  live.routing.rules.emplace_back().domain = "example.net";
  live.limits.classes.emplace_back().user = "joe@example.net";
  live.limits.classes.emplace_back().domain = "example.net";
  live.auth.impersonation = {{"web@example.net", "*@example.net"}, {"*", "*"}};
  live.auth.anonymous_user = "guest@example.net";
  config::Directory& directory = live.auth.directories.emplace_back();
  for (const char* name : {"joe@example.net", "ann@example.org", "@example.net"}) {
    directory.users.emplace_back().name = name;
  }
  EXPECT_TRUE(normalise_names(live).empty());
  EXPECT_EQ(live.routing.rules[0].user, "joe@example.com");
  EXPECT_EQ(live.routing.rules[1].domain, "example.com");
  EXPECT_EQ(live.limits.classes[0].user, "joe@example.com");
  EXPECT_EQ(live.limits.classes[1].domain, "example.com");
  EXPECT_EQ(live.auth.impersonation[0], (config::Impersonation{"web@example.com", "*@example.com"}));
  EXPECT_EQ(live.auth.impersonation[1], (config::Impersonation{"*", "*"}));
  EXPECT_EQ(live.auth.anonymous_user, "guest@example.com");
  EXPECT_EQ(directory.users[0].name, "joe@example.com");
  EXPECT_EQ(directory.users[2].name, "@example.com");

  auto table =
      PasswdTable::parse("Joe@EXAMPLE.net:{PLAIN}x\n@example.net:\nann+x@example.com:{PLAIN}y\n", name_form(live));
  ASSERT_TRUE(table);
  EXPECT_TRUE((*table)->line("joe@example.com"));
  EXPECT_TRUE((*table)->line("@example.com"));
  EXPECT_TRUE((*table)->line("ann@example.com"));
}

TEST(Names, TwoThatBecomeOneAndNamesOfNobodyAreTold) {
  config::Live live;
  live.names.domain_aliases = {"example.net=example.com"};
  live.names.length_max = 20;
  config::Directory& directory = live.auth.directories.emplace_back();
  for (const char* name : {"joe@example.com", "joe@example.net", "joe.the.long@example.com"}) {
    directory.users.emplace_back().name = name;
  }
  const config::Problems problems = normalise_names(live);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].key, "directory[0].user[1].name");
  EXPECT_EQ(problems[0].message, "the user \"joe@example.com\" stands here twice, once as \"joe@example.net\"");
  EXPECT_EQ(problems[1].key, "directory[0].user[2].name");
  EXPECT_THAT(problems[1].message, HasSubstr("longer than names.length_max"));
}

}  // namespace
}  // namespace postigo
