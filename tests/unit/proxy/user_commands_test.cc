// `postigo user` beyond the life of one user: conditions, SCRAM, other names, passwords for programs, and files of
// users that come back as they went.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/directory/password.h"
#include "backends/directory/sqlite_store.h"
#include "tests/unit/proxy/command_line.h"

namespace postigo {
namespace {

using commands::kFailed;
using commands::kOk;
using commands::kUsage;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kConfiguration = R"([[listener]]
protocol = "imap"
address = "127.0.0.1:1143"
tls = "off"
plaintext_login = true
[[backend]]
name = "a"
host = "10.0.0.1"
[[pool]]
name = "main"
backends = ["a"]
)";

class UserCommands : public CommandLineFixture {
 protected:
  UserCommands() { write(std::string(kConfiguration) + std::string(kSqlite)); }

  int user(std::vector<const char*> words, const std::string& input = "") {
    words.insert(words.begin(), "user");
    return on(std::move(words), input);
  }
  void add(const char* name) { ASSERT_EQ(user({"add", name, "--password-stdin"}, "canary\n"), kOk) << err_; }
  Entry stored(const char* name) {
    auto store = SqliteStore::open((folder_ / "users.db").string(), SqliteStore::Missing::error);
    return (*store)->find(name)->value();
  }
};

TEST_F(UserCommands, FromWhereHowAndWhen) {
  ASSERT_EQ(user({"add", "ann", "--password-stdin", "--networks", "10.0.0.0/8,192.0.2.1", "--protocols", "imap",
                  "--valid-until", "2036-08-01 18:00", "--sessions-max", "5", "--main-password", "no"},
                 "canary\n"),
            kOk)
      << err_;
  Entry ann = stored("ann");
  EXPECT_EQ(ann.may, (config::Conditions{{"10.0.0.0/8", "192.0.2.1"}, {"imap"}, {}, 0, 2101226400}));
  EXPECT_EQ(ann.sessions_max, 5u);
  EXPECT_FALSE(ann.main_password);
  ASSERT_EQ(user({"set", "ann", "--networks", "", "--main-password", "yes"}), kOk) << err_;
  ann = stored("ann");
  EXPECT_TRUE(ann.may.networks.empty());
  EXPECT_TRUE(ann.main_password);
  EXPECT_EQ(ann.may.protocols, std::vector<std::string>{"imap"}) << "what is not named stays";
  EXPECT_EQ(user({"set", "ann", "--networks", "10.0.0.1/8"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("networks \"10.0.0.1/8\" is no network"));
  EXPECT_EQ(user({"list"}), kOk);
  EXPECT_THAT(out_, testing::ContainsRegex("ann +ARGON2ID .*limited"));
}

TEST_F(UserCommands, PasswordsArePreparedWhereTheDirectorySaysSo) {
  write(std::string(kConfiguration) + std::string(kSqlite) + "saslprep = true\n");
  ASSERT_EQ(user({"add", "ann", "--password-stdin"}, "\u2168 canary\n"), kOk) << err_;
  EXPECT_EQ(verify_password(Secret("IX canary"), stored("ann").password), true);
  EXPECT_EQ(user({"verify", "ann", "--password-stdin"}, "\u2168\u00a0canary\n"), kOk) << err_;
  EXPECT_EQ(user({"add", "bob", "--password-stdin"}, "\xff\n"), kFailed);
  EXPECT_THAT(err_, HasSubstr("the password is not UTF-8"));
}

TEST_F(UserCommands, VerifySaysWhichPasswordWasRight) {
  add("ann");
  EXPECT_EQ(user({"verify", "Ann", "--password-stdin"}, "canary\n"), kOk) << err_;
  EXPECT_EQ(out_, "right: his own\n");
  EXPECT_EQ(user({"verify", "ann", "--password-stdin"}, "wrong\n"), kFailed);
  EXPECT_EQ(err_, "postigo: wrong\n");
  EXPECT_EQ(user({"verify", "bob", "--password-stdin"}, "canary\n"), kFailed);
  EXPECT_EQ(user({"verify", "ann", "secret"}), kUsage) << "never on the command line";
}

TEST_F(UserCommands, ScramKeysVerifyToo) {
  ASSERT_EQ(user({"add", "ann", "--password-stdin", "--scram"}, "canary\n"), kOk) << err_;
  EXPECT_THAT(stored("ann").password, StartsWith("{SCRAM-SHA-256}4096,"));
  EXPECT_EQ(user({"verify", "ann", "--password-stdin"}, "canary\n"), kOk);
  EXPECT_EQ(user({"set", "ann", "--password-stdin"}, "canary\n"), kOk);
  EXPECT_THAT(stored("ann").password, StartsWith("{ARGON2ID}"));
}

TEST_F(UserCommands, PasswordsForPrograms) {
  add("ann");
  ASSERT_EQ(user({"app-password", "add", "ann", "phone", "--protocols", "imap"}), kOk) << err_;
  const std::string shown = out_;
  EXPECT_THAT(shown, testing::MatchesRegex("([a-z2-7]{4}-){6}[a-z2-7]{2}\n"));
  EXPECT_THAT(err_, HasSubstr("once"));
  EXPECT_EQ(user({"app-password", "add", "ann", "phone"}), kFailed);
  EXPECT_EQ(user({"app-password", "list", "ann"}), kOk);
  EXPECT_THAT(out_, testing::ContainsRegex("phone +imap +- +- +-"));
  EXPECT_THAT(out_, Not(HasSubstr("SHA256")));
  EXPECT_EQ(user({"verify", "ann", "--password-stdin"}, shown), kOk) << err_;
  EXPECT_EQ(out_, "right: his password for phone\n");
  EXPECT_EQ(user({"app-password", "revoke", "ann", "phone"}), kOk);
  EXPECT_EQ(user({"app-password", "revoke", "ann", "phone"}), kFailed);
  EXPECT_EQ(user({"verify", "ann", "--password-stdin"}, shown), kFailed);
  EXPECT_EQ(user({"app-password", "add", "bob", "phone"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("no entry is called bob"));
}

TEST_F(UserCommands, RenameTakesAllAlong) {
  add("ann");
  add("bob");
  ASSERT_EQ(user({"app-password", "add", "ann", "phone"}), kOk);
  EXPECT_EQ(user({"rename", "ann", "bob"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("bob exists already"));
  ASSERT_EQ(user({"rename", "ann", "Anna"}), kOk) << err_;
  EXPECT_EQ(out_, "renamed ann to anna\n");
  EXPECT_EQ(user({"verify", "anna", "--password-stdin"}, "canary\n"), kOk);
  EXPECT_EQ(user({"app-password", "list", "anna"}), kOk);
  EXPECT_THAT(out_, HasSubstr("phone"));
  EXPECT_EQ(user({"rename", "ann", "x"}), kFailed);
}

TEST_F(UserCommands, WhatIsExportedIsImportedAsItWas) {
  add("ann");
  ASSERT_EQ(user({"set", "ann", "--networks", "10.0.0.0/8,192.0.2.1", "--backend-user", "ann, \"at\" home", "--pool",
                  "main", "--valid-until", "2036-08-01 18:00", "--main-password", "no", "--disabled"}),
            kOk)
      << err_;
  ASSERT_EQ(user({"add", "@example.com", "--protocols", "pop3", "--moving-until", "2036-01-01"}), kOk) << err_;
  const Entry ann = stored("ann"), domain = stored("@example.com");
  ASSERT_EQ(user({"export", "--hashes"}), kOk) << err_;
  const std::string exported = out_;
  ASSERT_EQ(user({"del", "ann"}), kOk);
  ASSERT_EQ(user({"del", "@example.com"}), kOk);
  ASSERT_EQ(user({"import", "-"}, exported), kOk) << err_;
  EXPECT_EQ(stored("ann"), ann);
  EXPECT_EQ(stored("@example.com"), domain);
  ASSERT_EQ(user({"export", "--hashes"}), kOk);
  EXPECT_EQ(out_, exported);
}

TEST_F(UserCommands, ExportShowsHashesOnlyIfAsked) {
  add("ann");
  for (const char* form : {"--config", "--jsonl"}) {
    std::vector<const char*> words = {"export"};
    if (std::string_view(form) == "--jsonl") words.push_back(form);
    EXPECT_EQ(user(words), kOk) << err_;
    EXPECT_THAT(out_, HasSubstr("ann"));
    EXPECT_THAT(out_, Not(HasSubstr("ARGON2ID"))) << form;
  }
  EXPECT_EQ(user({"export", "--jsonl", "--hashes"}), kOk);
  EXPECT_THAT(out_, StartsWith("{\"name\":\"ann\",\"password\":\"{ARGON2ID}$argon2id"));
}

}  // namespace
}  // namespace postigo
