// LDAP servers that are away, that come back, and that say what no server should. With the clock of the machine: what
// is waited for is much shorter than what the test would wait.
#include <chrono>
#include <thread>

#include "backends/directory/chain.h"
#include "tests/unit/backends/drivers/asking.h"
#include "tests/unit/backends/drivers/fake_ldap.h"
#include "tests/unit/backends/drivers/ldap_directory.h"
#include "tests/unit/backends/drivers/slapd.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

class LdapTrouble : public testing::Test {
 protected:
  static void SetUpTestSuite() { signal(SIGPIPE, SIG_IGN); }  // as the program does
  std::unique_ptr<Directory> directory(const config::Directory& from) {
    auto source = load_ldap_directory(from);
    if (!source) throw std::runtime_error(source.error().message);
    return (*source)->make(env_);
  }
  LookupResult ask(Directory& users, const std::string& user, const std::string& password = "secret") {
    return postigo::ask(env_, users, {user, password});
  }
  std::unique_ptr<Slapd> slapd() { return Slapd::installed() ? std::make_unique<Slapd>(ldap_people()) : nullptr; }
  bool comes_back(Directory& users) {
    for (int i = 0; i < 600; ++i) {
      if (ask(users, "joe").verdict == Verdict::ok) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  // One that finds everybody, and says `code` and `text` to whoever binds.
  static FakeLdap::Answer refusing(char code, const std::string& text) {
    return [=](char id, unsigned char kind) {
      if (kind == 0x63) return FakeLdap::entry(id, "cn=joe,dc=a") + FakeLdap::result(id, 0x65, 0);
      return FakeLdap::result(id, 0x61, code, text);
    };
  }
  config::Directory to(const FakeLdap& server) const {
    config::Directory from = ldap_directory(server.url());
    from.login.clear();
    from.password = {};
    return from;
  }

  FakeEnv env_;
};

TEST_F(LdapTrouble, NobodyThereIsTryLaterAndTheNextServerIsAsked) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  config::Directory from = ldap_directory("ldapi://%2Fnonexistent%2Fsocket");
  LookupResult none = ask(*directory(from), "joe");
  EXPECT_EQ(none.verdict, Verdict::try_later);
  EXPECT_TRUE(none.detail.starts_with("directory people: ldapi://%2Fnonexistent%2Fsocket: Can't contact"))
      << none.detail;
  from.servers.push_back(server->url());
  EXPECT_EQ(ask(*directory(from), "joe").verdict, Verdict::ok);
}

TEST_F(LdapTrouble, AKilledServerIsTryLaterUntilItIsBack) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  auto users = directory(ldap_directory(server->url()));
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  server->kill();
  for (const char* user : {"joe", "eve", "off"}) EXPECT_EQ(ask(*users, user).verdict, Verdict::try_later) << user;
  server->start();
  EXPECT_TRUE(comes_back(*users));
  EXPECT_EQ(ask(*users, "eve").verdict, Verdict::no_such_user);
}

// Between two questions: the connections of before are dead, and nobody notices.
TEST_F(LdapTrouble, ARestartCostsNobodyHisLogin) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  auto users = directory(ldap_directory(server->url()));
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  server->kill();
  server->start();
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
}

TEST_F(LdapTrouble, AStoppedServerIsTryLaterAndOneWaitsForIt) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  config::Directory from = ldap_directory(server->url());
  from.timeout_ms = 1000;
  auto users = directory(from);
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  server->signal(SIGSTOP);
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::try_later);
  LookupResult second = ask(*users, "joe");
  EXPECT_EQ(second.verdict, Verdict::try_later);
  server->signal(SIGCONT);
  EXPECT_TRUE(comes_back(*users));
}

TEST_F(LdapTrouble, OurOwnLoginRefusedIsNoUsersFault) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  config::Directory from = ldap_directory(server->url());
  from.password = Secret("canary");
  LookupResult no = ask(*directory(from), "joe");
  EXPECT_EQ(no.verdict, Verdict::try_later);
  EXPECT_NE(no.detail.find("our own login: Invalid credentials"), std::string::npos) << no.detail;
  EXPECT_EQ(no.detail.find("canary"), std::string::npos);
}

// As nobody this server shows nothing: there is no base.
TEST_F(LdapTrouble, ABaseThatIsNotThereIsTryLater) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  config::Directory from = ldap_directory(server->url());
  from.ldap.base = "ou=nowhere,dc=example,dc=com";
  EXPECT_NE(ask(*directory(from), "joe").detail.find("ldap.base does not exist"), std::string::npos);
  from.ldap.base = "ou=%d,dc=example,dc=com";
  EXPECT_EQ(ask(*directory(from), "joe@people").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(*directory(from), "joe@nowhere").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(*directory(from), "joe").verdict, Verdict::no_such_user);
  from.ldap.filter = "(uid=%n)";
  EXPECT_EQ(ask(*directory(from), "joe@people").verdict, Verdict::ok);
}

TEST_F(LdapTrouble, A22_WhoDoesNotExistCostsABindToo) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  auto users = directory(ldap_directory(server->url()));
  EXPECT_EQ(ask(*users, "eve").verdict, Verdict::no_such_user);
  users.reset();
  const std::string log = content_of(server->output());
  EXPECT_NE(log.find("BIND dn=\"cn=nobody,ou=people,dc=example,dc=com\""), std::string::npos) << log;
}

// No search, no account of our own: the name is made of a template.
TEST_F(LdapTrouble, BindByTemplateAlone) {
  auto server = slapd();
  if (!server) GTEST_SKIP() << "slapd is not installed";
  config::Directory from = ldap_directory(server->url());
  from.login.clear();
  from.password = {};
  from.ldap.base.clear();
  from.ldap.filter.clear();
  from.ldap.bind_dn = "cn=%u,ou=people,dc=example,dc=com";
  auto users = directory(from);
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "joe").identity.user, "joe");
  EXPECT_EQ(ask(*users, "a, b").verdict, Verdict::ok) << "a comma in a name is a comma in a name";
  for (const char* user : {"joe", "eve"}) {
    EXPECT_EQ(ask(*users, user, "wrong").verdict, Verdict::bad_credentials);
    EXPECT_EQ(ask(*users, user, "").verdict, Verdict::bad_credentials);
  }
  // A5
  for (const char* name : {"joe,ou=people", "joe+sn=x", "joe\\", "\"joe\"", "#04036a6f65", "joe;", "a\\2c b"}) {
    EXPECT_EQ(ask(*users, name).verdict, Verdict::bad_credentials) << name;
  }
  EXPECT_EQ(postigo::ask(env_, *users, {"joe", "", Want::placement}).verdict, Verdict::ok);
  for (Want want : {Want::account, Want::secret, Want::token}) {
    EXPECT_EQ(postigo::ask(env_, *users, {"joe", "", want}).verdict, Verdict::no_such_user);
  }
  from.ldap.bind_dn = "cn=%n,ou=%d,dc=example,dc=com";
  EXPECT_EQ(ask(*directory(from), "joe").verdict, Verdict::no_such_user) << "there is no domain to put in";
  EXPECT_EQ(ask(*directory(from), "joe@people").verdict, Verdict::ok);
}

TEST_F(LdapTrouble, WhatActiveDirectorySaysOfAccounts) {
  const std::pair<const char*, Verdict> said[] = {
      {"52e", Verdict::bad_credentials}, {"525", Verdict::no_such_user}, {"530", Verdict::disabled},
      {"532", Verdict::disabled},        {"533", Verdict::disabled},     {"701", Verdict::disabled},
      {"773", Verdict::disabled},        {"775", Verdict::disabled},
  };
  for (const auto& [code, verdict] : said) {
    FakeLdap server(refusing(49, std::string("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, "
                                             "data ") +
                                     code + ", v3839"));
    EXPECT_EQ(ask(*directory(to(server)), "joe").verdict, verdict) << code;
  }
}

TEST_F(LdapTrouble, OtherAnswersToABind) {
  const std::pair<char, Verdict> said[] = {
      {49, Verdict::bad_credentials}, {48, Verdict::bad_credentials}, {32, Verdict::bad_credentials},
      {34, Verdict::unusable},        {51, Verdict::try_later},       {52, Verdict::try_later},
      {53, Verdict::try_later},       {1, Verdict::try_later},        {2, Verdict::try_later},
      {8, Verdict::try_later},        {13, Verdict::try_later},       {80, Verdict::try_later},
      {10, Verdict::try_later},       {14, Verdict::try_later},
  };
  for (const auto& [code, verdict] : said) {
    FakeLdap server(refusing(code, "canary of the server"));
    LookupResult result = ask(*directory(to(server)), "joe");
    EXPECT_EQ(result.verdict, verdict) << int{code};
    EXPECT_EQ(result.detail.find("canary"), std::string::npos) << "it may have said the password";
  }
  FakeLdap inactive(refusing(53, "Account inactivated. Contact system administrator."));
  EXPECT_EQ(ask(*directory(to(inactive)), "joe").verdict, Verdict::disabled);
}

// Whatever a server says, an answer that is none is no "no", and no "yes".
TEST_F(LdapTrouble, LyingServers) {
  const std::pair<const char*, FakeLdap::Answer> lies[] = {
      {"nothing that LDAP is", [](char, unsigned char) { return std::string("HTTP/1.1 200 OK\r\n\r\n"); }},
      {"the end", [](char, unsigned char) { return std::string("bye"); }},
      {"half a message", [](char, unsigned char) { return std::string("\x30\x20\x02\x01", 4); }},
      {"a message of 2 GB", [](char, unsigned char) { return std::string("\x30\x84\x7f\xff\xff\xff\x02\x01\x01", 9); }},
      {"an entry without a name",
       [](char id, unsigned char kind) {
         if (kind == 0x63) return FakeLdap::entry(id, "") + FakeLdap::result(id, 0x65, 0);
         return FakeLdap::result(id, 0x61, 0);
       }},
      {"entries without an end",
       [](char id, unsigned char) {
         std::string many;
         for (int i = 0; i < 1000; ++i) many += FakeLdap::entry(id, "cn=joe,dc=a");
         return many;
       }},
      {"the answer to another question",
       [](char id, unsigned char) { return FakeLdap::result(static_cast<char>(id + 5), 0x61, 0); }},
      {"an answer of another kind",
       [](char id, unsigned char kind) {
         return kind == 0x63 ? FakeLdap::result(id, 0x61, 0) : FakeLdap::result(id, 0x65, 0);
       }},
  };
  for (const auto& [lie, answer] : lies) {
    FakeLdap server(answer);
    config::Directory from = to(server);
    from.timeout_ms = 500;
    const Verdict verdict = ask(*directory(from), "joe").verdict;
    EXPECT_TRUE(verdict == Verdict::try_later || verdict == Verdict::unusable)
        << lie << ": " << static_cast<int>(verdict);
  }
}

// Nobody searches on a connection that a user was bound on, and nobody binds on ours.
TEST_F(LdapTrouble, UsersBindOnAConnectionOfTheirOwn) {
  FakeLdap server([](char id, unsigned char kind) {
    if (kind == 0x63) return FakeLdap::entry(id, "cn=joe,dc=a") + FakeLdap::result(id, 0x65, 0);
    return FakeLdap::result(id, 0x61, 0);
  });
  auto users = directory(to(server));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  EXPECT_EQ(server.connections(), 2) << "and both are kept";
}

TEST_F(LdapTrouble, WhatIsWrongInItselfIsRefused) {
  auto error = [](void (*change)(config::Directory & from)) {
    config::Directory from = ldap_directory("ldap://127.0.0.1:1");
    change(from);
    auto loaded = load_ldap_directory(from);
    return loaded ? std::string("loaded") : loaded.error().message;
  };
  EXPECT_EQ(error([](config::Directory&) {}), "loaded") << "nobody there is no reason";
  EXPECT_EQ(error([](config::Directory& x) { x.ldap.filter = "(uid=%x)"; }),
            "directory people: ldap.filter: %x is not known: write %u, %n, %d or %%");
  EXPECT_EQ(error([](config::Directory& x) { x.ldap.filter = "(&(uid=%u)"; }),
            "directory people: ldap.filter: \"(&(uid=%u)\" is no filter (RFC 4515)");
  EXPECT_EQ(error([](config::Directory& x) { x.ldap.base = "people"; }),
            "directory people: ldap.base: \"people\" is no distinguished name (RFC 4514)");
  EXPECT_EQ(error([](config::Directory& x) { x.ldap.bind_dn = "uid=%"; }),
            "directory people: ldap.bind_dn: a single % stands at the end: write %%");
  EXPECT_EQ(error([](config::Directory& x) { x.fields = {"a=b"}; }),
            "directory people: fields: there is no field \"b\"");
  EXPECT_EQ(error([](config::Directory& x) { x.tls_ca = "/nonexistent.pem"; }),
            "directory people: tls_ca: cannot read /nonexistent.pem");
}

}  // namespace
}  // namespace postigo
