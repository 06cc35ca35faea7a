// A22: directories whose passwords somebody else checks, among others that hash.
#include <chrono>

#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "tests/unit/backends/drivers/asking.h"
#include "tests/unit/backends/drivers/fake_ldap.h"
#include "tests/unit/backends/drivers/ldap_directory.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

class Elsewhere : public testing::Test {
 protected:
  // It finds everybody, and says no to whoever binds.
  Elsewhere()
      : server_([](char id, unsigned char kind) {
          if (kind == 0x63) return FakeLdap::entry(id, "cn=joe,dc=a") + FakeLdap::result(id, 0x65, 0);
          return FakeLdap::result(id, 0x61, 49);
        }) {
    ldap_ = ldap_directory(server_.url());
    ldap_.login.clear();
    ldap_.password = {};
    ldap_.ldap.filter = "(uid=%n)";
    hashing_.name = "here";
    hashing_.check_password = true;
    hashing_.users = {{"ann@here", ldap_hash("secret"), "", "", "", false}};
  }
  uint64_t hashes_of(const std::vector<config::Directory>& directories, const std::string& user) {
    config::Auth auth;
    auth.directories = directories;
    auto shared = load_directories(auth);
    auto chain = make_chain(**shared, env_);
    const uint64_t before = password_checks();
    const Verdict verdict = ask(env_, *chain, {user, "wrong"}).verdict;
    EXPECT_TRUE(verdict == Verdict::bad_credentials || verdict == Verdict::no_such_user) << user;
    return password_checks() - before;
  }

  FakeLdap server_;
  config::Directory ldap_, hashing_;
  FakeEnv env_;
};

TEST_F(Elsewhere, A22_OneHashForEverybodyWhereAnyDirectoryHashes) {
  for (const auto& order : {std::vector{ldap_, hashing_}, std::vector{hashing_, ldap_}}) {
    EXPECT_EQ(hashes_of(order, "joe@there"), 1u) << "refused there";
    EXPECT_EQ(hashes_of(order, "nobody"), 1u) << "unknown: this name is none there";
  }
  EXPECT_EQ(hashes_of({hashing_, ldap_}, "ann@here"), 1u);
}

TEST_F(Elsewhere, NobodyHashesForThemAlone) {
  EXPECT_EQ(hashes_of({ldap_}, "joe@there"), 0u);
  EXPECT_EQ(hashes_of({ldap_}, "@there"), 0u);
}

TEST_F(Elsewhere, A22_TheDecoyIsOfWhoHashes) {
  config::Auth auth;
  auth.directories = {ldap_, hashing_};
  EXPECT_EQ((*load_directories(auth))->decoy(), hashing_.users[0].password);
}

}  // namespace
}  // namespace postigo
