// The escapes of RFC 4514 and RFC 4515, with libldap as the judge.

#include "backends/directory/drivers/ldap_escape.h"

#include <gtest/gtest.h>
#include <ldap.h>

#include <random>

namespace postigo {
namespace {

TEST(LdapEscape, A5_InFilters) {
  EXPECT_EQ(escape_in_filter("joe@example.com"), "joe@example.com");
  EXPECT_EQ(escape_in_filter("*)(uid=*"), "\\2a\\29\\28uid=\\2a");
  EXPECT_EQ(escape_in_filter("a\\2a"), "a\\5c2a");
  EXPECT_EQ(escape_in_filter(std::string_view("a\0b", 3)), "a\\00b");
  EXPECT_EQ(escape_in_filter("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(LdapEscape, A5_InDistinguishedNames) {
  EXPECT_EQ(escape_in_dn("joe@example.com"), "joe@example.com");
  EXPECT_EQ(escape_in_dn("joe,ou=x"), "joe\\2cou\\3dx");
  EXPECT_EQ(escape_in_dn(" a b "), "\\20a b\\20");
  EXPECT_EQ(escape_in_dn("#a#"), "\\23a#");
  EXPECT_EQ(escape_in_dn("\"+;<>\\"), "\\22\\2b\\3b\\3c\\3e\\5c");
  EXPECT_EQ(escape_in_dn(std::string_view("\0", 1)), "\\00");
}

// As libldap reads it: one name of one attribute, with this very value.
TEST(LdapEscape, LibldapReadsBackWhatWasMeant) {
  std::mt19937 random(1);
  const std::string octets = "ab \"+,;<>\\=#*()%@\x01\x7f\xc3\xbc";
  for (int i = 0; i < 20'000; ++i) {
    std::string value;
    for (size_t size = 1 + random() % 12; value.size() < size;) value += octets[random() % (octets.size() - 2)];
    LDAPDN dn = nullptr;
    const std::string text = "cn=" + escape_in_dn(value) + ",dc=a";
    ASSERT_EQ(ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3), LDAP_SUCCESS) << text;
    ASSERT_TRUE(dn[0] != nullptr && dn[1] != nullptr && dn[2] == nullptr && dn[0][0] != nullptr && dn[0][1] == nullptr);
    EXPECT_EQ(std::string(dn[0][0]->la_value.bv_val, dn[0][0]->la_value.bv_len), value) << text;
    ldap_dnfree(dn);
  }
}

}  // namespace
}  // namespace postigo
