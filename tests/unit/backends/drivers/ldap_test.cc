// The contract of directory.h over a real OpenLDAP server, whichever way passwords are checked there.
#include "backends/directory/password.h"
#include "tests/unit/backends/drivers/asking.h"
#include "tests/unit/backends/drivers/ldap_directory.h"
#include "tests/unit/backends/drivers/slapd.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

struct Way {
  const char* name;
  void (*change)(config::Directory& from);
};

class Ldap : public testing::TestWithParam<Way> {
 protected:
  static void SetUpTestSuite() {
    if (Slapd::installed()) server_ = new Slapd(ldap_people());
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void SetUp() override {
    if (server_ == nullptr) GTEST_SKIP() << "slapd is not installed";
  }
  std::unique_ptr<Directory> directory(bool check = true) {
    config::Directory from = ldap_directory(server_->url());
    from.check_password = check;
    if (check) GetParam().change(from);
    auto source = load_ldap_directory(from);
    if (!source) throw std::runtime_error(source.error().message);
    source_ = *source;
    return source_->make(env_);
  }
  LookupResult ask(Directory& users, const std::string& user, const std::string& password = "secret") {
    return postigo::ask(env_, users, {user, password});
  }
  LookupResult ask(Directory& users, const std::string& user, Want want) {
    return postigo::ask(env_, users, {user, "", want});
  }
  bool hashes_here() const { return source_->hashes(); }

  static inline Slapd* server_ = nullptr;
  FakeEnv env_;
  SharedSource source_;
};

TEST_P(Ldap, RightAndWrongPasswords) {
  auto users = directory();
  LookupResult joe = ask(*users, "joe");
  EXPECT_EQ(joe.verdict, Verdict::ok) << joe.detail;
  EXPECT_TRUE(joe.identity.verified);
  EXPECT_EQ(joe.identity.user + ' ' + joe.identity.pool + ' ' + joe.identity.shard, "joe main a");
  EXPECT_EQ(ask(*users, "ann", "other").identity.backend_user, "ann-at-home");
  for (const std::string& wrong : {std::string("Secret"), std::string("secret "), std::string("secret\0", 7),
                                   std::string("\0", 1), std::string(4096, 's')}) {
    LookupResult no = ask(*users, "joe", wrong);
    EXPECT_EQ(no.verdict, Verdict::bad_credentials);
    EXPECT_TRUE(no.identity.user.empty());
  }
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok) << "who failed before leaves nothing behind";
}

// RFC 4513 5.1.2: the server would take it for nobody, and say that all is well.
TEST_P(Ldap, AnEmptyPasswordIsAlwaysWrong) {
  auto users = directory();
  for (const char* user : {"joe", "nopass", "off"}) {
    EXPECT_EQ(ask(*users, user, "").verdict, Verdict::bad_credentials) << user;
  }
  EXPECT_EQ(ask(*users, "eve", "").verdict, Verdict::no_such_user);
}

TEST_P(Ldap, WhoHasNoPasswordOrIsUnknown) {
  auto users = directory();
  EXPECT_EQ(ask(*users, "nopass").verdict, Verdict::bad_credentials);
  for (const std::string& name :
       {std::string("eve"), std::string("eve@example.com"), std::string(), std::string("@example.com"),
        std::string("joe\0", 4), std::string("joe\r\n"), std::string("\xff\xfe"), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(ask(*users, name).verdict, Verdict::no_such_user) << name.substr(0, 40);
  }
}

TEST_P(Ldap, DisabledIsToldOnlyToTheRightPassword) {
  auto users = directory();
  EXPECT_EQ(ask(*users, "off").verdict, Verdict::disabled);
  EXPECT_EQ(ask(*users, "off", "wrong").verdict, Verdict::bad_credentials);
}

TEST_P(Ldap, A5_NamesAreValuesInFilters) {
  auto users = directory();
  for (const char* name : {"*)(uid=*", "*", "joe)(cn=*", "j*", "joe)", "(joe", "\\6aoe", "joe)(|(uid=*", "\\"}) {
    EXPECT_EQ(ask(*users, name).verdict, Verdict::no_such_user) << name;
  }
  EXPECT_EQ(ask(*users, "a*(b)\\c").verdict, Verdict::ok) << "it is somebody's name";
  EXPECT_EQ(ask(*users, "gr\xc3\xbc\xc3\x9f").verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, std::string(512, 'x')).verdict, Verdict::ok);
}

TEST_P(Ldap, A6_NamesAreNoTemplates) {
  EXPECT_EQ(ask(*directory(), "%u").verdict, Verdict::ok) << "it is somebody's name";
  std::string expansion;
  while (expansion.size() < 4096) expansion += "%u";
  EXPECT_EQ(ask(*directory(), expansion).verdict, Verdict::no_such_user);
}

// Whoever LDAP finds under several spellings is one user.
TEST_P(Ldap, OneUserHasOneName) {
  auto users = directory();
  EXPECT_EQ(ask(*users, "JOE").identity.user, "joe");
  EXPECT_EQ(ask(*users, "joe@example.com").identity.user, "joe");
  EXPECT_EQ(ask(*users, "joe ").identity.user, "joe");
}

TEST_P(Ldap, WhatCannotBeReadIsOurFaultNotHis) {
  auto users = directory();
  for (const char* user : {"twin", "torn", "maybe"}) {
    const uint64_t before = password_checks();
    LookupResult odd = ask(*users, user);
    EXPECT_EQ(odd.verdict, Verdict::unusable) << user;
    EXPECT_TRUE(odd.detail.starts_with("directory people: ")) << odd.detail;
    EXPECT_EQ(password_checks() - before, hashes_here() ? 1u : 0u) << "A22";
  }
  EXPECT_NE(ask(*users, "twin").detail.find("several entries"), std::string::npos);
  EXPECT_NE(ask(*users, "torn").detail.find("l has more than one value"), std::string::npos);
}

TEST_P(Ldap, WhatIsAskedWithoutAPassword) {
  auto users = directory();
  EXPECT_EQ(ask(*users, "joe", Want::placement).identity.shard, "a");
  EXPECT_FALSE(ask(*users, "joe", Want::placement).identity.verified);
  EXPECT_EQ(ask(*users, "off", Want::placement).verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "eve", Want::placement).verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(*users, "joe", Want::account).verdict, Verdict::ok);
  EXPECT_TRUE(ask(*users, "joe", Want::account).identity.verified);
  EXPECT_EQ(ask(*users, "off", Want::account).verdict, Verdict::disabled);
  EXPECT_EQ(ask(*users, "joe", Want::secret).verdict, Verdict::ok);
  EXPECT_TRUE(ask(*users, "off", Want::secret).identity.disabled);
  EXPECT_EQ(ask(*users, "clear", Want::secret).secret.cleartext.equals("in the clear"), hashes_here());
  EXPECT_EQ(ask(*users, "eve", Want::secret).verdict, Verdict::no_such_user);
  EXPECT_EQ(ask(*users, "joe", Want::token).verdict, Verdict::no_such_user);
}

TEST_P(Ldap, WithoutCheckingItIsForPlacementOnly) {
  auto users = directory(false);
  LookupResult joe = ask(*users, "joe", "whatever");
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_FALSE(joe.identity.verified);
  EXPECT_EQ(joe.identity.shard, "a");
  EXPECT_EQ(ask(*users, "joe", "").verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "off", "whatever").verdict, Verdict::disabled);
  EXPECT_EQ(ask(*users, "eve").verdict, Verdict::no_such_user);
}

TEST_P(Ldap, A33_DetailsHoldNoSecret) {
  auto users = directory();
  for (const char* user : {"joe", "off", "nopass", "twin", "eve"}) {
    EXPECT_EQ(ask(*users, user, "canary").detail.find("canary"), std::string::npos);
  }
}

TEST_P(Ldap, ADirectoryMayGoWhileQuestionsArePending) {
  for (const char* user : {"joe", "eve"}) {
    for (int turns = 0; turns < 3; ++turns) {
      auto users = directory();
      int answers = 0;
      Query query;
      query.user = user;
      query.password = Secret("secret");
      Lookup lookup([&](LookupResult) { ++answers; });
      users->start(lookup, query);
      for (int i = 0; i < turns; ++i) env_.turn();
      users.reset();
      source_.reset();
      env_.run();
      EXPECT_EQ(answers, 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Ldap,
                         testing::Values(Way{"bind", [](config::Directory&) {}},
                                         Way{"hash",
                                             [](config::Directory& from) { from.ldap.password = "userPassword"; }}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace postigo
