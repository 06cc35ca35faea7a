// What [names] may not contradict. Expressions and international domains: Names::check.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class CheckNames : public ConfigTest {
 protected:
  std::string said(const std::string& keys, const std::string& routing = "") {
    return joined(small_and("[names]\n" + keys + "\n[routing]\n" + routing));
  }
};

TEST_F(CheckNames, Aliases) {
  EXPECT_THAT(said("domain_aliases = [\"a.example=b.example\", \"b\xc3\xbc"
                   "cher.example=b.example\"]"),
              IsEmpty());
  EXPECT_THAT(said("domain_aliases = [\"a.example\"]"),
              HasSubstr("p.toml:13:19: names.domain_aliases: \"a.example\" is not of the form"));
  EXPECT_THAT(said("domain_aliases = [\"@a.example=b.example\"]"), HasSubstr("without \"@\""));
  EXPECT_THAT(said("domain_aliases = [\"a.example=\"]"), HasSubstr("a domain is missing"));
  EXPECT_THAT(said("domain_aliases = [\"A.example=a.example\"]"), HasSubstr("an alias of itself"));
  EXPECT_THAT(said("domain_aliases = [\"a.example=b.example\", \"A.example=c.example\"]"), HasSubstr("two meanings"));
  EXPECT_THAT(said("domain_aliases = [\"a.example=b.example\", \"b.example=c.example\"]"),
              HasSubstr("write what it stands for, \"c.example\""));
}

TEST_F(CheckNames, WhatIsStrippedMustNotBeAdded) {
  const std::string domain = "default_domain = \"a.example\"\n";
  EXPECT_THAT(said("strip_domains = [\"b.example\"]", domain), IsEmpty());
  EXPECT_THAT(said("strip_domains = [\"*\"]"), IsEmpty());
  for (const char* strip : {"*", "A.example"}) {
    EXPECT_THAT(said("strip_domains = [\"" + std::string(strip) + "\"]", domain),
                HasSubstr("p.toml:13:18: names.strip_domains: takes away what routing.default_domain adds"));
  }
  const std::string alias = "domain_aliases = [\"a.example=b.example\"]\n";
  EXPECT_THAT(said(alias + "strip_domains = [\"b.example\"]", domain), HasSubstr("takes away"));
  EXPECT_THAT(said(alias + "strip_domains = [\"a.example\"]"), HasSubstr("is an alias: name \"b.example\" instead"));
}

TEST_F(CheckNames, DelimitersLengthsAndRules) {
  EXPECT_THAT(said("delimiter = \"+-\""), IsEmpty());
  for (const char* delimiter : {"@", "a", "0", " "}) {
    EXPECT_THAT(said("delimiter = \"" + std::string(delimiter) + "\""),
                HasSubstr("p.toml:13:13: names.delimiter: must have punctuation only"));
  }
  EXPECT_THAT(said("length_max = 0"), HasSubstr("names.length_max"));
  EXPECT_THAT(said("length_max = 513"), HasSubstr("names.length_max"));
  EXPECT_THAT(said("idn = \"punycode\""), HasSubstr("names.idn"));
  EXPECT_THAT(said("[[names.rewrite]]\nreplace = \"x\""), HasSubstr("names.rewrite: match must be set"));
  EXPECT_THAT(said("[[names.rewrite]]\nmatch = \"x\""), HasSubstr("names.rewrite: replace must be set"));
}

TEST_F(CheckNames, CachesOfDirectories) {
  auto cache = [&](const std::string& directory, const std::string& keys) {
    return joined(small_and("[[directory]]\n" + directory + "[directory.cache]\n" + keys));
  };
  const std::string http = "type = \"http\"\n[directory.http]\nurl = \"https://a.example\"\n";
  EXPECT_THAT(cache(http, "ttl = \"10s\"\nnegative_ttl = \"0s\"\nstale = \"1h\"\n"), IsEmpty());
  EXPECT_THAT(cache(http, "ttl = \"10s\"\nnegative_ttl = \"11s\"\n"),
              HasSubstr("directory.cache.negative_ttl: is longer than ttl"));
  EXPECT_THAT(cache("type = \"sqlite\"\npath = \"u.db\"\n", ""),
              HasSubstr("directory.cache: is for type \"postgresql\""));
  EXPECT_THAT(cache("check_password = true\n" + http + "dialect = \"nginx\"\n", ""),
              HasSubstr("directory.cache: an Auth-Pass that is good for one login only"));
  const Loaded off = small_and("[[directory]]\n" + http),
               on = small_and("[[directory]]\n" + http + "[directory.cache]\n");
  EXPECT_FALSE(off.config.live.auth.directories[0].cache.enabled);
  EXPECT_TRUE(on.config.live.auth.directories[0].cache.enabled);
}

// The first steps, for whoever reads the configuration before it is made ready.
TEST_F(CheckNames, ADefaultDomainComesBehindRules) {
  const std::string rule = "[[routing.rule]]\nuser = \"Joe\"\npool = \"default\"\n";
  const std::string domain = "[routing]\ndefault_domain = \"a.example\"\n";
  EXPECT_EQ(small_and(domain + rule).config.live.routing.rules[0].user, "joe@a.example");
  Loaded loaded = small_and("[[names.rewrite]]\nmatch = \"joe\"\nreplace = \"ann@b.example\"\n" + domain + rule);
  EXPECT_EQ(loaded.config.live.routing.rules[0].user, "joe");
  EXPECT_EQ(loaded.config.live.names.default_domain, "a.example");
}

}  // namespace
}  // namespace postigo::config
