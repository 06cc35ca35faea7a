// Passwords for programs in real databases: whom they let in where, what is bounded, and that their use is written down
// by the operator's own statement.
#include <gmock/gmock.h>
#include <openssl/sha.h>

#include <array>

#include <chrono>
#include <thread>

#include "backends/directory/password.h"
#include "parser/base/base64.h"
#include "tests/unit/databases/asking.h"

namespace postigo::databases {
namespace {

using testing::HasSubstr;

// As `postigo user app-password` keeps them.
std::string hashed(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> octets;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), octets.data());
  return "{SHA256}" + base64_encode(Bytes(reinterpret_cast<const char*>(octets.data()), octets.size()));
}

class AppPasswords : public Asking {
 protected:
  void SetUp() override {
    for (const char* table : {"people", "programs"}) database().run(std::string("DROP TABLE IF EXISTS ") + table);
    database().run("CREATE TABLE people (name VARCHAR(100), secret VARCHAR(100), main INTEGER)");
    database().run(
        "CREATE TABLE programs (id INTEGER, name VARCHAR(100), label VARCHAR(64), hash VARCHAR(200), protocols "
        "VARCHAR(64), networks VARCHAR(64), valid_until VARCHAR(64), uses INTEGER)");
    database().run("INSERT INTO people VALUES ('joe', '{PLAIN}secret', 1), ('ann', '{PLAIN}secret', 0)");
    database().run("INSERT INTO programs VALUES (1, 'joe', 'phone', '" + hashed("phone") +
                   "', NULL, NULL, NULL, 0),"
                   " (2, 'joe', 'mutt', '" +
                   hashed("mutt") +
                   "', 'imap', '192.0.2.0/24', NULL, 0),"
                   " (3, 'joe', 'old', '" +
                   hashed("old") + "', NULL, NULL, '2020-01-01', 0), (4, 'ann', 'phone', '" + hashed("phone") +
                   "', NULL, "
                   "NULL, "
                   "NULL, 0)");
  }

  config::Directory directory() const {
    config::Directory made = database().directory(
        "SELECT secret AS password, main AS main_password, (SELECT SUM(uses) FROM programs WHERE name = p.name) AS "
        "shard "
        "FROM people p WHERE name = %u");
    made.sql.app_passwords =
        "SELECT label, hash AS password, protocols, networks, valid_until FROM programs WHERE name = %u ORDER BY id";
    return made;
  }
  void open_with_uses() {
    config::Directory made = directory();
    made.sql.used = "UPDATE programs SET uses = uses + 1 WHERE name = %u AND label = %l";
    database().run("GRANT UPDATE ON programs TO postigo");
    open(made);
  }
  LookupResult from(const char* address, const char* password, std::string_view protocol = "imap") {
    return ask("joe", password, Want::verdict, protocol, address);
  }
};

TEST_P(AppPasswords, LetInWhereTheyMayBeUsed) {
  open(directory());
  EXPECT_EQ(from("192.0.2.7", "phone").verdict, Verdict::ok);
  EXPECT_TRUE(from("192.0.2.7", "phone").identity.verified);
  EXPECT_EQ(from("192.0.2.7", "mutt").verdict, Verdict::ok);
  EXPECT_EQ(from("192.0.2.7", "mutt", "pop3").identity.barred, Barred::not_here);
  EXPECT_EQ(from("10.0.0.1", "mutt").verdict, Verdict::disabled);
  EXPECT_EQ(from("10.0.0.1", "old").identity.barred, Barred::not_now);
  EXPECT_EQ(from("10.0.0.1", "secret").verdict, Verdict::ok) << "his own";
  EXPECT_EQ(from("10.0.0.1", "wrong").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("eve", "phone").verdict, Verdict::no_such_user);
}

// Or whoever thinks that he has revoked one would learn otherwise.
TEST_P(AppPasswords, AColumnThatWouldBarNobodyIsRefused) {
  for (const char* name : {"disabled", "Enabled", "disabled_until", "moving_until", "main_password"}) {
    config::Directory made = directory();
    made.sql.app_passwords =
        "SELECT label, hash AS password, 1 AS " + std::string(name) + " FROM programs WHERE name = %u";
    EXPECT_THAT(refusal(made), AllOf(HasSubstr("sql.app_passwords"), HasSubstr("leave those"))) << name;
  }
}

TEST_P(AppPasswords, TheMainPasswordMayBeBarred) {
  open(directory());
  EXPECT_EQ(ask("ann", "secret").verdict, Verdict::disabled);
  EXPECT_EQ(ask("ann", "phone").verdict, Verdict::ok);
  EXPECT_EQ(ask("ann", "mutt").verdict, Verdict::bad_credentials) << "it is joe's";
}

// Whatever is wrong costs one hash, however many passwords a user has.
TEST_P(AppPasswords, A22_OneHashForEachRefusal) {
  open(directory());
  for (const char* password : {"wrong", "old", "secret"}) {
    const uint64_t before = password_checks();
    ask("ann", password);
    EXPECT_EQ(password_checks() - before, 1u) << password;
  }
}

TEST_P(AppPasswords, TwentyAreLookedAt) {
  for (int id = 10; id < 60; ++id) {
    const std::string number = std::to_string(id);
    database().run("INSERT INTO programs VALUES (" + number + ", 'joe', 'n" + number + "', '" + hashed("n" + number) +
                   "', NULL, NULL, NULL, 0)");
  }
  open(directory());
  EXPECT_EQ(ask("joe", "n26").verdict, Verdict::ok) << "the twentieth: three are before these";
  EXPECT_EQ(ask("joe", "n27").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("joe", "secret").verdict, Verdict::ok) << "nobody is locked out by having too many";
  EXPECT_EQ(ask("ann", "phone").verdict, Verdict::ok) << "the connection is as good as before";
}

TEST_P(AppPasswords, UseIsWrittenDown) {
  open_with_uses();
  EXPECT_EQ(ask("joe", "phone").verdict, Verdict::ok);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (ask("joe", "", Want::placement).identity.shard != "1" && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(ask("joe", "", Want::placement).identity.shard, "1");
  EXPECT_EQ(ask("ann", "", Want::placement).identity.shard, "0") << "nobody else's";
}

TEST_P(AppPasswords, WhatCannotBeWrittenIsToldAndBarsNobody) {
  open_with_uses();
  database().run("REVOKE UPDATE ON programs FROM postigo");
  EXPECT_EQ(ask("joe", "phone").verdict, Verdict::ok);
  std::string told;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (told.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    LookupResult result = ask("joe", "secret");
    EXPECT_EQ(result.verdict, Verdict::ok);
    told = result.detail;
  }
  EXPECT_THAT(told, HasSubstr("directory users: sql.used: 127.0.0.1:"));
  EXPECT_EQ(ask("joe", "secret").detail, "") << "it is told once";
}

TEST_P(AppPasswords, WhatIsWrongIsToldWithItsKey) {
  config::Directory bad = directory();
  bad.sql.app_passwords = "SELECT lable, hash AS password FROM programs WHERE name = %u";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.app_passwords: "));
  EXPECT_THAT(refusal(bad), HasSubstr("lable"));
  bad.sql.app_passwords = "SELECT hash AS password FROM programs WHERE name = %u";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.app_passwords: has no column \"label\""));
  bad.sql.app_passwords = "SELECT label, hash FROM programs WHERE name = %u";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.app_passwords: has no column \"password\""));
  bad.sql.app_passwords = "SELECT label, hash AS password FROM programs WHERE name = %l";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.app_passwords: %l is not known"));
  bad = directory();
  bad.sql.used = "UPDATE programmes SET uses = 1 WHERE name = %u AND label = %l";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.used: "));
  bad.sql.used = "UPDATE programs SET uses = 1 WHERE name = '%u'";
  EXPECT_THAT(refusal(bad), HasSubstr("sql.used: %u stands in quotes"));
}

// It would cost as much as a guess at his own password does, each, and tell how many he has.
TEST_P(AppPasswords, ASlowHashIsToldAndNotTried) {
  database().run("UPDATE programs SET hash = '" + default_decoy() + "' WHERE id = 4");
  open(directory());
  LookupResult ann = ask("ann", "phone");
  EXPECT_EQ(ann.verdict, Verdict::try_later);
  EXPECT_THAT(ann.detail, HasSubstr("sql.app_passwords: the hash of a password for programs is none of SHA256"));
}

INSTANTIATE_TEST_SUITE_P(Real, AppPasswords, testing::Values(postgresql, mariadb), database_name);

}  // namespace
}  // namespace postigo::databases
