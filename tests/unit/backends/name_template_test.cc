// Where a name stands in what a server is asked.
#include "backends/directory/name_template.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

std::string filled(std::string_view text, std::string_view user) {
  auto made = NameTemplate::parse(text);
  return made ? made->fill(user) : made.error().message;
}

TEST(NameTemplate, PutsTheNameWhereItBelongs) {
  EXPECT_EQ(filled("uid=%n,dc=%d (%u) 100%%", "joe@example.com"), "uid=joe,dc=example.com (joe@example.com) 100%");
  EXPECT_EQ(filled("%n|%d|%u", "joe"), "joe||joe");
  EXPECT_EQ(filled("%n|%d", "joe@"), "joe|");
  EXPECT_EQ(filled("%n|%d", "a@b@example.com"), "a@b|example.com");
  EXPECT_EQ(filled("%n|%d", "@example.com"), "|example.com");
  EXPECT_EQ(filled("fixed", "joe"), "fixed");
  EXPECT_EQ(filled("", "joe"), "");
}

// A6: what a client calls himself is never a template.
TEST(NameTemplate, A6_ANameIsNoTemplate) {
  EXPECT_EQ(filled("<%u>", "%u%n%d%%{pass}"), "<%u%n%d%%{pass}>");
  EXPECT_EQ(filled("<%n>", "%d@%u"), "<%d>");
}

TEST(NameTemplate, A5_ValuesAreEscapedAndTextIsNot) {
  auto made = NameTemplate::parse("(mail=%u)");
  ASSERT_TRUE(made);
  auto hide = [](std::string_view value) { return std::string(value.size(), '#'); };
  EXPECT_EQ(made->fill("*)(uid=*", hide), "(mail=########)");
}

TEST(NameTemplate, OtherPlacesAreAnError) {
  EXPECT_EQ(filled("%x", "joe"), "%x is not known: write %u, %n, %d or %%");
  EXPECT_EQ(filled("50%", "joe"), "a single % stands at the end: write %%");
  EXPECT_FALSE(NameTemplate::parse("%l"));
}

}  // namespace
}  // namespace postigo
