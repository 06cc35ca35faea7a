// Passwords for programs: made, found, kept in SQLite, and what a login with one of them costs and leaves behind.
#include "backends/directory/app_password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "backends/directory/sqlite_store.h"
#include "parser/base/ascii.h"
#include "tests/fakes/fake_env.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

using fakes::FakeEnv;
using testing::HasSubstr;

std::string shown(const MadeAppPassword& made) { return std::string(made.shown.reveal()); }

AppPassword with_label(const std::string& label, const std::string& hash) {
  AppPassword password;
  password.label = label;
  password.hash = hash;
  return password;
}

TEST(AppPassword, MadeOnesAreLongReadableAndDifferent) {
  auto one = make_app_password(), two = make_app_password();
  ASSERT_TRUE(one && two);
  EXPECT_THAT(shown(*one), testing::MatchesRegex("([a-z2-7]{4}-){6}[a-z2-7]{2}"));
  EXPECT_NE(shown(*one), shown(*two));
  EXPECT_TRUE(check_app_password(with_label("phone", one->hash)));
  EXPECT_THAT(one->hash, testing::StartsWith("{SHA256}"));
  EXPECT_EQ(one->hash.find(shown(*one)), std::string::npos);
}

TEST(AppPassword, IsFoundHoweverItIsTyped) {
  auto made = make_app_password();
  const std::vector<AppPassword> all = {with_label("a", make_app_password()->hash), with_label("b", made->hash)};
  std::string plain, blanks;
  for (char c : shown(*made)) {
    if (c != '-') plain += c;
    blanks += c == '-' ? ' ' : c;
  }
  for (const std::string& said : {shown(*made), plain, blanks, upper(plain)}) {
    const AppPassword* found = find_app_password(all, Secret(said));
    ASSERT_NE(found, nullptr) << said;
    EXPECT_EQ(found->label, "b");
  }
  for (const std::string& said : {std::string(), plain.substr(1), plain + "a", made->hash}) {
    EXPECT_EQ(find_app_password(all, Secret(said)), nullptr) << said;
  }
}

TEST(AppPassword, ThoseOfOthersAreTakenAsTheyAre) {
  const std::vector<AppPassword> all = {with_label("a", "{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z")};
  EXPECT_NE(find_app_password(all, Secret("secret")), nullptr);
  EXPECT_EQ(find_app_password(all, Secret("Secret")), nullptr);
}

TEST(AppPassword, WhatIsDearOrPlainOrWithoutALabelIsNone) {
  for (const char* hash :
       {"{PLAIN}x", "{SHA512-CRYPT}$6$x", "", "x", "{PBKDF2}$1$s$9$1c1a8894c13553d8a9551093d2db28611d787a24"}) {
    EXPECT_FALSE(check_app_password(with_label("a", hash))) << hash;
    EXPECT_EQ(find_app_password(std::vector{with_label("a", hash)}, Secret("x")), nullptr) << hash;
  }
  const std::string good = make_app_password()->hash;
  for (const std::string& label : {std::string(), std::string("a\n"), std::string(65, 'x'), std::string("\xff")}) {
    EXPECT_FALSE(check_app_password(with_label(label, good)));
  }
}

TEST(AppPassword, FromFields) {
  AppPassword password;
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{{"label", "phone"},
                                                                                    {"PASSWORD", "{SHA256}x"},
                                                                                    {"protocols", "imap"},
                                                                                    {"networks", "10.0.0.0/8"},
                                                                                    {"valid_until", "1800000000"},
                                                                                    {"used", "1700000000"}}) {
    EXPECT_TRUE(set_app_field(password, name, value).value()) << name;
  }
  EXPECT_EQ(password, (AppPassword{"phone", "{SHA256}x", {{"10.0.0.0/8"}, {"imap"}, {}, 0, 1800000000}, 1700000000}));
  EXPECT_FALSE(set_app_field(password, "pool", "x").value());
  EXPECT_FALSE(set_app_field(password, "networks", "x"));
}

class AppPasswordLogins : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::move(*SqliteStore::open(path_, SqliteStore::Missing::create));
    Entry joe;
    joe.name = "joe";
    joe.password = "{PLAIN}main";
    ASSERT_TRUE(store_->add(joe));
    made_ = std::move(*make_app_password());
  }
  AppPassword phone(config::Conditions may = {}) const { return {"phone", made_.hash, std::move(may)}; }
  LookupResult ask(const Secret& password, const std::string& from = "10.0.0.1") {
    if (users_ == nullptr) {
      users_ =
          std::move(*load_sqlite_directory({"users", config::Directory::Type::sqlite, true, path_, {}}))->make(env_);
    }
    Query query;
    query.user = "joe";
    query.password = password;
    query.protocol = "imap";
    query.client_ip = from;
    std::optional<LookupResult> answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    users_->start(lookup, query);
    env_.run();
    return answer.value_or(LookupResult());
  }

  Temporary place_;
  const std::string path_ = place_.file("users.db");
  std::unique_ptr<SqliteStore> store_;
  MadeAppPassword made_;
  FakeEnv env_;
  std::unique_ptr<Directory> users_;
};

TEST_F(AppPasswordLogins, ItLetsInWithoutAHash) {
  ASSERT_TRUE(store_->add_app_password("joe", phone()));
  const uint64_t before = password_checks();
  auto result = ask(made_.shown);
  EXPECT_EQ(result.verdict, Verdict::ok);
  EXPECT_TRUE(result.identity.verified);
  EXPECT_EQ(result.identity.user, "joe");
  EXPECT_EQ(password_checks(), before);
  EXPECT_EQ(ask(Secret("main")).verdict, Verdict::ok) << "and so does his own";
  EXPECT_EQ(ask(Secret("wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(password_checks(), before + 2);
}

TEST_F(AppPasswordLogins, OneThatIsTakenBackIsNone) {
  ASSERT_TRUE(store_->add_app_password("joe", phone()));
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::ok);
  ASSERT_TRUE(store_->revoke_app_password("joe", "phone"));
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::bad_credentials);
  EXPECT_THAT(store_->revoke_app_password("joe", "phone").error().message,
              HasSubstr("no password with the label phone"));
}

// A22: it costs what a wrong one costs.
TEST_F(AppPasswordLogins, WhereItMayNotBeUsedItIsRefused) {
  ASSERT_TRUE(store_->add_app_password("joe", phone({{"192.0.2.0/24"}, {}, {}})));
  const uint64_t before = password_checks();
  auto result = ask(made_.shown);
  EXPECT_EQ(result.verdict, Verdict::disabled);
  EXPECT_EQ(result.identity.barred, Barred::not_here);
  EXPECT_EQ(password_checks(), before + 1);
  EXPECT_EQ(ask(made_.shown, "192.0.2.9").verdict, Verdict::ok);
}

TEST_F(AppPasswordLogins, AfterItsTimeAndForADisabledUserItIsRefused) {
  ASSERT_TRUE(store_->add_app_password("joe", phone({{}, {}, {}, 0, 1'700'000'000})));
  EXPECT_EQ(ask(made_.shown).identity.barred, Barred::not_now);
  ASSERT_TRUE(store_->set("joe", {.disabled = true}));
  EXPECT_EQ(ask(made_.shown).identity.barred, Barred::disabled);
}

TEST_F(AppPasswordLogins, TheMainPasswordMayBeBarred) {
  ASSERT_TRUE(store_->add_app_password("joe", phone()));
  ASSERT_TRUE(store_->set("joe", {.fields = {{"main_password", "no"}}}));
  EXPECT_EQ(ask(Secret("main")).identity.barred, Barred::not_here);
  EXPECT_EQ(ask(Secret("wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::ok);
}

TEST_F(AppPasswordLogins, LabelsAreUniqueAndUsersExist) {
  ASSERT_TRUE(store_->add_app_password("joe", phone()));
  EXPECT_THAT(store_->add_app_password("joe", phone()).error().message, HasSubstr("already"));
  EXPECT_THAT(store_->add_app_password("eve", phone()).error().message, HasSubstr("no entry is called eve"));
  ASSERT_TRUE(store_->rename("joe", "jim"));
  EXPECT_EQ(store_->app_passwords("jim")->size(), 1u);
  EXPECT_TRUE(store_->app_passwords("joe")->empty());
  ASSERT_TRUE(store_->del("jim"));
  EXPECT_TRUE(store_->app_passwords("jim")->empty());
}

TEST_F(AppPasswordLogins, TheLastUseIsWrittenDownOnceAMinute) {
  ASSERT_TRUE(store_->add_app_password("joe", phone()));
  EXPECT_EQ(store_->app_passwords("joe")->at(0).used_s, 0);
  const auto used = [&] { return store_->app_passwords("joe")->at(0).used_s; };
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::ok);
  for (int i = 0; i < 3000 && used() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(used(), 1'700'000'001);
  env_.advance(59'000);
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::ok);
  env_.advance(1'000);
  EXPECT_EQ(ask(made_.shown).verdict, Verdict::ok);
  for (int i = 0; i < 3000 && used() == 1'700'000'001; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(used(), 1'700'000'061);
}

// A database of the program before this one, which is not ours to write.
TEST(SqliteMigration, AnOlderFileServesUntilItIsBroughtUpToDate) {
  Temporary place;
  const std::string path = place.file("old.db");
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(handle,
                   "CREATE TABLE users (name TEXT NOT NULL PRIMARY KEY, password TEXT NOT NULL DEFAULT '', pool TEXT "
                   "NOT NULL DEFAULT '', shard TEXT NOT NULL DEFAULT '', backend_user TEXT NOT NULL DEFAULT '', "
                   "disabled INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT (unixepoch())) STRICT, "
                   "WITHOUT ROWID; INSERT INTO users (name, password, shard, disabled) VALUES ('joe', "
                   "'{PLAIN}secret', 's1', 0), ('off', '{PLAIN}secret', '', 1); PRAGMA user_version = 1; PRAGMA "
                   "application_id = 1349743719",
                   nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(handle);
  for (auto mode : {Database::Mode::lookup, Database::Mode::existing}) {
    auto database = Database::open(path, mode);
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_EQ((*database)->schema(), mode == Database::Mode::lookup ? 1 : 2);
    auto all = (*database)->prepare(select_entries((*database)->schema()) + " ORDER BY name");
    ASSERT_TRUE(all && all->step().value());
    Entry joe;
    joe.name = "joe";
    joe.password = "{PLAIN}secret";
    joe.shard = "s1";
    EXPECT_EQ(entry_from(*all, (*database)->schema()).value(), joe) << "all that it did not say is as usual";
    ASSERT_TRUE(all->step().value());
    EXPECT_TRUE(entry_from(*all, (*database)->schema())->disabled);
  }
}

}  // namespace
}  // namespace postigo
