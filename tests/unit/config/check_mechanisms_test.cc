// Mechanisms that nobody could answer, rules that say nothing, certificates that nobody could vouch for.
#include <fstream>

#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

constexpr char kChecked[] =
    "[auth.backend_login]\nmode = \"master_authzid\"\nmaster_user = \"m\"\nmaster_password = \"p\"\n"
    "[[directory]]\ntype = \"static\"\ncheck_password = true\n[[directory.user]]\nname = \"a\"\npassword = "
    "\"{PLAIN}x\"\n";

class CheckMechanisms : public ConfigTest {
 protected:
  std::string told(const std::string& more) { return problems_of_small_and(more); }
  // Without the warning that kChecked keeps a password in the file.
  std::string told_checked(const std::string& more) { return problems_of_small_and(more + kChecked); }
  void touch(const std::string& name) { std::ofstream(directory_.path() + "/" + name) << "x"; }
};

TEST_F(CheckMechanisms, SomebodyMustBeAbleToAnswer) {
  for (std::string name : {"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "CRAM-MD5", "APOP"}) {
    EXPECT_THAT(told("[auth]\nmechanisms = [\"PLAIN\", \"" + name + "\"]\n"),
                HasSubstr("auth.mechanisms: \"" + name + "\" needs a [[directory]] with check_password = true"));
  }
  for (std::string name : {"OAUTHBEARER", "XOAUTH2"}) {
    EXPECT_THAT(told_checked("[auth]\nmechanisms = [\"" + name + "\"]\n"),
                HasSubstr("\"" + name + "\" needs a [[directory]] with type = \"oauth\""));
  }
  EXPECT_EQ(told("[auth]\nmechanisms = [\"PLAIN\"]\n"), "");
  EXPECT_THAT(told_checked("[auth]\nmechanisms = [\"SCRAM-SHA-256\", \"CRAM-MD5\", \"APOP\", \"PLAIN\"]\n"),
              testing::Not(HasSubstr("auth.mechanisms")));
  EXPECT_THAT(told("[auth]\nmechanisms = [\"SCRAM-SHA256\"]\n"), HasSubstr("did you mean \"SCRAM-SHA-256\"?"));
}

TEST_F(CheckMechanisms, OnlyWhoChecksPasswordsPreparesThem) {
  EXPECT_THAT(told("[[directory]]\ntype = \"static\"\nsaslprep = true\n"),
              HasSubstr("directory.saslprep: is about passwords that are checked here"));
}

TEST_F(CheckMechanisms, ADirectoryMayKeepNothing) {
  const std::string master =
      "[auth.backend_login]\nmode = \"master_authzid\"\nmaster_user = \"m\"\nmaster_password = \"p\"\n";
  const std::string scram = "[auth]\nmechanisms = [\"SCRAM-SHA-256\", \"PLAIN\"]\n" + master;
  const std::string pam = "[[directory]]\nname = \"x\"\ntype = \"pam\"\ncheck_password = true\n";
  EXPECT_THAT(told(scram + pam), HasSubstr("auth.mechanisms: \"SCRAM-SHA-256\" can let nobody in"));
  const std::string ldap =
      "[[directory]]\ntype = \"ldap\"\ncheck_password = true\nservers = [\"ldaps://a\"]\n[directory.ldap]\n"
      "base = \"dc=a\"\nfilter = \"(uid=%u)\"\n";
  EXPECT_THAT(told(scram + ldap), HasSubstr("can let nobody in"));
  EXPECT_EQ(told(scram + pam + ldap + "password = \"userPassword\"\n"), "");
}

TEST_F(CheckMechanisms, ExternalNeedsCertificates) {
  EXPECT_THAT(told_checked("[auth]\nmechanisms = [\"EXTERNAL\"]\n"),
              HasSubstr("\"EXTERNAL\" needs a [[listener]] with client_certificate"));
  const std::string listener = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\naddress = \"0.0.0.0:994\"\n";
  EXPECT_THAT(told(listener + "client_certificate = \"ask\"\n"),
              HasSubstr("listener.client_certificate: needs tls.client_ca"));
  EXPECT_THAT(told(listener + "client_certificate = \"sometimes\"\n"), HasSubstr("client_certificate"));
  touch("ca.pem");
  EXPECT_THAT(told("[tls]\nclient_ca = \"ca.pem\"\n"), HasSubstr("tls.client_ca: has no effect"));
  EXPECT_THAT(told("[tls]\nclient_ca = \"none.pem\"\n" + listener + "client_certificate = \"ask\"\n"),
              HasSubstr("tls.client_ca: cannot open"));
  EXPECT_EQ(told("[tls]\nclient_ca = \"ca.pem\"\n" + listener + "client_certificate = \"require\"\n"), "");
  EXPECT_THAT(told("[tls]\nclient_ca = \"ca.pem\"\n" + listener +
                   "tls = \"off\"\nplaintext_login = true\nclient_certificate = \"ask\"\n"),
              HasSubstr("needs TLS, and this listener has none"));
}

TEST_F(CheckMechanisms, AnonymousIsSomebody) {
  EXPECT_THAT(told_checked("[auth]\nmechanisms = [\"ANONYMOUS\"]\n"), HasSubstr("needs auth.anonymous_user"));
  EXPECT_THAT(told("[auth]\nanonymous_user = \"guest\"\n"), HasSubstr("auth.anonymous_user: has no effect"));
}

TEST_F(CheckMechanisms, WhoMayActAsWhom) {
  auto rule = [](const std::string& who, const std::string& whom) {
    return "[[auth.impersonation]]\nwho = \"" + who + "\"\nwhom = \"" + whom + "\"\n";
  };
  EXPECT_EQ(told(rule("webmail", "*") + rule("*@Help.org", "*@users.org") + rule("Ann", "bob")), "");
  for (std::string bad : {"a*", "*a", "*@", "**", "*@*"}) {
    EXPECT_THAT(told(rule(bad, "*")), HasSubstr("auth.impersonation.who: \"" + bad + "\" is not")) << bad;
    EXPECT_THAT(told(rule("a", bad)), HasSubstr("auth.impersonation.whom: \"" + bad + "\" is not")) << bad;
  }
  EXPECT_THAT(told("[[auth.impersonation]]\nwho = \"a\"\n"), HasSubstr("whom must be set"));
  auto rules = small_and(rule("*@Help.org", "Bob")).config.live.auth.impersonation;
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].who + " " + rules[0].whom, "*@help.org bob") << "as names of clients are, when they are compared";
}

// What follows kSmall's [[backend]] is in it.
TEST_F(CheckMechanisms, TowardsBackends) {
  directory_.write("own.pem", "x");
  const std::string tls = "tls = { mode = \"implicit\", certificate = \"own.pem\", key = \"own.pem\" }\n";
  auto with = [](const std::string& name) { return "mechanism = \"" + name + "\"\n"; };
  for (std::string name : {"auto", "plain", "PLAIN", "scram-sha-256", "SCRAM-SHA-1", "login", "cram-md5"}) {
    EXPECT_EQ(told(with(name)), "") << name;
  }
  EXPECT_THAT(told(with("xoauth2")), HasSubstr("backend.mechanism: expected \"auto\"")) << "that is forward_tokens";
  EXPECT_THAT(told(with("scram-sha256")), HasSubstr("did you mean \"scram-sha-256\"?"));
  EXPECT_THAT(told(with("scram-sha-256-plus")), HasSubstr("backend.mechanism: \"SCRAM-SHA-256-PLUS\" binds to TLS"));
  EXPECT_EQ(told(tls + with("scram-sha-256-plus")), "");
  EXPECT_THAT(told_checked(with("cram-md5")), HasSubstr("backend.mechanism: \"CRAM-MD5\" carries no authzid"));
  EXPECT_THAT(told_checked(with("scram-sha-256")), testing::Not(HasSubstr("mechanism")));
  EXPECT_THAT(told_checked(with("external")),
              HasSubstr("backend.mechanism: \"EXTERNAL\" needs TLS with a certificate"));
  EXPECT_THAT(told(tls + with("external")), HasSubstr("backend.mechanism: \"EXTERNAL\" needs a [[directory]]"));
  EXPECT_THAT(told_checked(tls + with("external")), testing::Not(HasSubstr("mechanism")));
}

// Whoever stands between may cut the list of mechanisms, or read tokens.
TEST_F(CheckMechanisms, SecretsOnAnOpenWay) {
  const std::string forward = "forward_tokens = true\n", automatic = "mechanism = \"auto\"\n", open = "tls = \"off\"\n",
                    unverified = "tls = { mode = \"implicit\", verify = false }\n", good = "tls = \"implicit\"\n";
  for (const std::string& way : {open, unverified}) {
    EXPECT_THAT(told(forward + way), HasSubstr("tokens go there without TLS that is verified")) << way;
    EXPECT_THAT(told_checked(automatic + way), HasSubstr("\"auto\" says the master's password to whoever")) << way;
    EXPECT_THAT(told(automatic + way), testing::Not(HasSubstr("says the master's"))) << "clients' own are as ever";
  }
  EXPECT_THAT(told(forward + good), testing::Not(HasSubstr("verified")));
  EXPECT_THAT(told_checked(automatic + good), testing::Not(HasSubstr("verified")));
}

TEST_F(CheckMechanisms, TokensThatGoOn) {
  const std::string forward = "forward_tokens = true\n";
  EXPECT_THAT(told(forward), HasSubstr("backend.forward_tokens: has no effect"));
  EXPECT_EQ(told(forward + "tls = \"implicit\"\n[auth]\nmechanisms = [\"XOAUTH2\"]\n"), "")
      << "no directory has to know whose they are";
}

}  // namespace
}  // namespace postigo::config
