// What a directory of type "ldap" may not contradict.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSearch = "[directory.ldap]\nbase = \"dc=a\"\nfilter = \"(uid=%u)\"\n";
constexpr const char* kMaster =
    "[auth.backend_login]\nmode = \"master_authzid\"\nmaster_user = \"m\"\nmaster_password = \"p\"\n";

class CheckLdap : public ConfigTest {
 protected:
  std::string said(const std::string& common, const std::string& own = kSearch) {
    return joined(small_and("[[directory]]\ntype = \"ldap\"\n" + common + own));
  }
  std::string to(const std::string& server, const std::string& more = {}) {
    return said("servers = [\"" + server + "\"]\n" + more);
  }
};

TEST_F(CheckLdap, ServersAreUrlsThatFitTls) {
  EXPECT_THAT(to("ldaps://a"), IsEmpty());
  EXPECT_THAT(to("ldapi://%2Frun%2Fldapi"), IsEmpty());
  EXPECT_THAT(to("ldap://127.0.0.1:389"), IsEmpty());
  EXPECT_THAT(to("ldap://a", "tls = \"starttls\"\n"), IsEmpty());
  EXPECT_THAT(to("ldaps://a", "tls = \"on\"\n"), IsEmpty());
  EXPECT_THAT(to("a:389"), HasSubstr("directory.servers: \"a:389\" is no LDAP URL"));
  EXPECT_THAT(to("ldap://a"), HasSubstr("warning: directory.servers: passwords go to \"ldap://a\" in clear"));
  EXPECT_THAT(to("ldap://a", "tls = \"on\"\n"), HasSubstr("\"ldap://a\" has no TLS"));
  EXPECT_THAT(to("ldaps://a", "tls = \"starttls\"\n"), HasSubstr("\"ldaps://a\" has TLS from the beginning"));
}

// RFC 4513 5.1.2: a server would say that all is well.
TEST_F(CheckLdap, ALoginHasAPassword) {
  EXPECT_THAT(to("ldaps://a", "login = \"cn=a\"\npassword = \"p\"\n"), IsEmpty());
  EXPECT_THAT(to("ldaps://a", "login = \"cn=a\"\n"), HasSubstr("directory.login: needs a password"));
  EXPECT_THAT(to("ldaps://a", "password = \"p\"\n"), HasSubstr("directory.password: is nobody's"));
}

TEST_F(CheckLdap, OneWayToCheckAPassword) {
  const std::string server = "servers = [\"ldaps://a\"]\n";
  const std::string checking = kMaster + ("[[directory]]\ntype = \"ldap\"\ncheck_password = true\n" + server);
  const std::string alone = "[directory.ldap]\nbind_dn = \"uid=%u,dc=a\"\n";
  EXPECT_THAT(joined(small_and(checking + alone)), IsEmpty());
  EXPECT_THAT(joined(small_and(checking + alone + "password = \"userPassword\"\n")), HasSubstr("compares hashes here"));
  EXPECT_THAT(said(server, alone), HasSubstr("knows users by their passwords alone"));
  EXPECT_THAT(said(server, alone + "base = \"dc=a\"\n"), HasSubstr("belong together"));
  EXPECT_THAT(said(server, kSearch + std::string("password = \"userPassword\"\n")),
              HasSubstr("has no effect without check_password"));
}

}  // namespace
}  // namespace postigo::config
