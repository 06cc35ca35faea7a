// A passwd-file: its lines, its table, and what becomes of logins when it changes, breaks or goes away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "backends/directory/factory.h"
#include "backends/directory/passwd_line.h"
#include "backends/directory/passwd_table.h"
#include "tests/fakes/fake_env.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

using fakes::FakeEnv;
using testing::HasSubstr;

Result<Entry> parsed(std::string_view line, const std::vector<std::string>& fields = {}) {
  return parse_passwd_line(line, *FieldNames::parse(fields));
}

TEST(PasswdLine, PasswordsInTheirFourForms) {
  EXPECT_EQ(parsed("joe:{SSHA}x")->password, "{SSHA}x");
  EXPECT_EQ(parsed("joe:$6$salt$x:1000:1000::/home/joe:/bin/sh")->password, "{CRYPT}$6$salt$x");
  EXPECT_EQ(parsed("joe:abcdefghijklm[13]:1000")->password, "{CRYPT}abcdefghijklm");
  EXPECT_EQ(parsed("joe:$1$salt$x[34]")->password, "{MD5}$1$salt$x");
  for (const char* nobodys : {"joe:", "joe:*:1000", "joe:!:1000", "joe:!$6$salt$x:1000"}) {
    EXPECT_EQ(parsed(nobodys)->password, "") << nobodys;
  }
}

TEST(PasswdLine, ExtraFields) {
  auto entry = parsed(
      "joe@example.com:{PLAIN}x:1000:1000:Joe, of Bath:/home/joe:/bin/sh:userdb_mail=maildir:~/Maildir "
      "user=joe-at-home "
      "allow_nets=10.0.0.0/8,192.0.2.1,local  proxy=y nologin=y host=mail3 port=143 pool=main class=premium "
      "pass=canary");
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->name, "joe@example.com");
  EXPECT_EQ(entry->backend_user, "joe-at-home");
  EXPECT_EQ(entry->may.networks, (std::vector<std::string>{"10.0.0.0/8", "192.0.2.1"}));
  EXPECT_EQ(entry->backend, "mail3");
  EXPECT_TRUE(entry->backend_password.equals("canary"));
  EXPECT_EQ(entry->pool, "main");
  EXPECT_EQ(entry->limit_class, "premium");
  EXPECT_FALSE(entry->disabled) << "a proxy lets him through";
  EXPECT_TRUE(parsed("joe:{PLAIN}x::::::nologin")->disabled);
  EXPECT_TRUE(parsed("joe:{PLAIN}x::::::nologin=y reason=moved")->disabled);
}

TEST(PasswdLine, FieldsOfOtherNames) {
  auto entry = parsed("joe:x::::::host=far cluster=main user=j", {"cluster=pool", "host=class"});
  EXPECT_EQ(entry->pool, "main");
  EXPECT_EQ(entry->limit_class, "far");
  EXPECT_EQ(entry->backend, "");
}

TEST(PasswdLine, WhatWouldLetSomebodyInWhoMustNotComeIn) {
  for (const char* line : {"joe:x::::::nopassword=y", "joe:x::::::allow_real_nets=10.0.0.0/8",
                           "joe:x::::::allow_nets=everywhere", "joe:x::::::valid_until=tomorrow"}) {
    EXPECT_FALSE(parsed(line)) << line;
  }
  EXPECT_FALSE(parsed("joe:x::::::Allow_Nets=local")->may.networks.empty());
  EXPECT_FALSE(parsed("joe:x::::::allow_nets=local")->may.networks.empty()) << "from nowhere, and not from anywhere";
  for (const char* line : {"joe:{PLAIN}x::::::password=canary name=eve", "joe:{PLAIN}x::::::PassWord=canary"}) {
    EXPECT_EQ(parsed(line)->password, "{PLAIN}x") << line;
  }
  EXPECT_EQ(parsed("joe:x::::::USER=eve")->name, "joe");
  EXPECT_EQ(parsed("joe:x::::::USER=eve")->backend_user, "eve");
  EXPECT_EQ(parsed("joe:canary::::::nopassword").error().message.find("canary"), std::string::npos);
}

std::shared_ptr<const PasswdTable> table(const std::string& text, const config::NameForm& names = {}) {
  auto made = PasswdTable::parse(text, names);
  if (!made) throw std::runtime_error(made.error().message);
  return *made;
}

TEST(PasswdTable, FindsNamesAsLoginsHaveThem) {
  auto users = table("# a comment: with a colon\n\nJoe:a\r\nann@Example.COM:b\n\xc3\x84nne:c\n@Example.org:\n",
                     {true, "example.com"});
  EXPECT_EQ(users->users(), 4u);
  EXPECT_EQ(users->line("joe@example.com"), "Joe:a");
  EXPECT_EQ(users->line("ann@example.com"), "ann@Example.COM:b");
  EXPECT_EQ(users->line("@example.org"), "@Example.org:");
  for (const char* nobody : {"", "joe", "Joe", "# a comment", "# a comment@example.com", "j", "joe@example.comx"}) {
    EXPECT_FALSE(users->line(nobody)) << nobody;
  }
  EXPECT_EQ(table("Joe:a", {false, ""})->line("Joe"), "Joe:a") << "also without an end of line";
  EXPECT_FALSE(table("Joe:a", {false, ""})->line("joe"));
}

TEST(PasswdTable, TheFirstOfTwoLinesCounts) {
  auto users = table("joe:a\nann:b\nJOE:c\n");
  EXPECT_EQ(users->line("joe"), "joe:a");
  EXPECT_EQ(users->users(), 2u);
  EXPECT_THAT(users->oddity(), HasSubstr("line 3: joe stands there twice"));
}

TEST(PasswdTable, ALineThatIsNoneIsNamed) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, const char*>>{
           {"joe:a\nann canary\n", "line 2: there is no \":\" in it"},
           {":canary\n", "line 1: the name is empty"},
           {std::string("joe:a\0b\n", 8), "line 1: there is a NUL in it"},
           {std::string(513, 'x') + ":canary\n", "line 1: the name is over 512 octets"}}) {
    auto made = PasswdTable::parse(text, {});
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().message, what);
  }
}

TEST(PasswdTable, ManyUsers) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "user" + std::to_string(i) + "@example.com:{PLAIN}" + std::to_string(i) + "\n";
  auto users = table(text);
  EXPECT_EQ(users->users(), 10'000u);
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "user" + std::to_string(i) + "@example.com";
    ASSERT_EQ(users->line(name), name + ":{PLAIN}" + std::to_string(i));
  }
  EXPECT_FALSE(users->line("user10000@example.com"));
}

// How long a million takes: --gtest_also_run_disabled_tests --gtest_filter='*AMillionUsers'.
TEST(PasswdTable, DISABLED_AMillionUsers) {
  Temporary place;
  const std::string path = place.file("users");
  {
    std::ofstream file(path);
    for (int i = 0; i < 1'000'000; ++i) {
      file << "user" << i << "@example.com:{SSHA256}kmxXYDYUB8HqD5HlzBPw9gXhR6YnOUa1H6ehgknMr2BMMnzU:1000:1000::/home:"
           << ":host=mail" << i % 10 << "\n";
    }
  }
  const std::clock_t begin = std::clock();  // of this process alone
  auto users = PasswdTable::read(path, {});
  const std::clock_t read = std::clock();
  ASSERT_TRUE(users);
  size_t found = 0;
  for (int i = 0; i < 1'000'000; ++i) found += (*users)->line("user" + std::to_string(i) + "@example.com").has_value();
  const std::clock_t end = std::clock();
  EXPECT_EQ(found, 1'000'000u);
  std::cout << std::filesystem::file_size(path) / 1'000'000 << " MB read in "
            << static_cast<double>(read - begin) / CLOCKS_PER_SEC << " s, 1,000,000 looked up in "
            << static_cast<double>(end - read) / CLOCKS_PER_SEC << " s of a core\n";
}

class PasswdFile : public testing::Test {
 protected:
  void write(const std::string& text, const std::string& name = "users") const {
    std::ofstream(place_.file(name)) << text;
    ::chmod(place_.file(name).c_str(), 0600);
  }
  void replace(const std::string& text) const {
    write(text, "new");
    std::filesystem::rename(place_.file("new"), path_);
  }
  // As if it had been written into a while ago.
  void age() const {
    std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(10));
  }
  void open(const std::vector<std::string>& fields = {}) {
    config::Directory settings{"users", config::Directory::Type::passwd_file, true, path_, {}};
    settings.fields = fields;
    auto source = load_passwd_file_directory(settings);
    ASSERT_TRUE(source) << source.error().message;
    source_ = *source;
    users_ = source_->make(env_);
  }
  LookupResult ask(const std::string& user, std::string_view password = "secret") {
    Query query;
    query.user = user;
    query.password = Secret(password);
    query.client_ip = "10.0.0.1";
    query.protocol = "imap";
    std::optional<LookupResult> answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    users_->start(lookup, query);
    env_.run();
    return answer.value_or(LookupResult());
  }
  // A second later: somebody looks at the file.
  LookupResult ask_later(const std::string& user, std::string_view password = "secret") {
    env_.advance(1'000);
    return ask(user, password);
  }

  Temporary place_;
  const std::string path_ = place_.file("users");
  FakeEnv env_;
  SharedSource source_;
  std::unique_ptr<Directory> users_;
};

TEST_F(PasswdFile, ARenamedFileCountsWithinASecond) {
  write("joe:{PLAIN}secret\n");
  open();
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  replace("ann:{PLAIN}secret\n");
  EXPECT_EQ(ask("joe").verdict, Verdict::ok) << "nobody has looked yet";
  EXPECT_EQ(ask_later("joe").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
}

TEST_F(PasswdFile, ALinkThatIsTurnedCounts) {
  write("joe:{PLAIN}secret\n", "one");
  write("ann:{PLAIN}secret\n", "two");
  std::filesystem::create_symlink("one", path_);
  open();
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  std::filesystem::create_symlink("two", place_.file("link"));
  std::filesystem::rename(place_.file("link"), path_);
  EXPECT_EQ(ask_later("ann").verdict, Verdict::ok);
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
}

TEST_F(PasswdFile, WhatIsWrittenInPlaceCountsWhenItHasSettled) {
  write("joe:{PLAIN}secret\n");
  open();
  write("joe:{PLAIN}sec");  // half of it
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  write("joe:{PLAIN}other\nann:{PLAIN}secret\n");
  age();
  EXPECT_EQ(ask_later("joe").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
}

TEST_F(PasswdFile, ABrokenFileChangesNothingAndIsTold) {
  write("joe:{PLAIN}secret\n");
  open();
  EXPECT_EQ(source_->warning(), "");
  replace("joe:{PLAIN}other\nthis is no line\n");
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  EXPECT_EQ(source_->warning(),
            "directory users: " + path_ + ": line 2: there is no \":\" in it; the users of before are kept");
  std::filesystem::remove(path_);
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  EXPECT_THAT(source_->warning(), HasSubstr("No such file"));
  replace("joe:{PLAIN}other\n");
  age();  // it may have got the number of the one that was removed
  EXPECT_EQ(ask_later("joe", "other").verdict, Verdict::ok) << "and by itself it goes on";
  EXPECT_EQ(source_->warning(), "");
}

TEST_F(PasswdFile, TheSameFileMayBeAwayForAMoment) {
  write("joe:{PLAIN}secret\n");
  open();
  std::filesystem::rename(path_, place_.file("away"));
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  EXPECT_THAT(source_->warning(), HasSubstr("No such file"));
  std::filesystem::rename(place_.file("away"), path_);
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  EXPECT_EQ(source_->warning(), "");
  std::filesystem::remove(path_);
  EXPECT_EQ(ask_later("joe").verdict, Verdict::ok);
  EXPECT_THAT(source_->warning(), HasSubstr("No such file")) << "the second time as well";
}

TEST_F(PasswdFile, ADamagedEntryIsOurFaultAndHisAlone) {
  write("joe:{PLAIN}secret::::::allow_nets=nowhere\nann:{PLAIN}secret\n");
  open();
  for (const char* password : {"secret", "wrong"}) {
    auto result = ask("joe", password);
    EXPECT_EQ(result.verdict, Verdict::unusable);
    EXPECT_THAT(result.detail, HasSubstr("\"nowhere\" is no network"));
  }
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
}

TEST_F(PasswdFile, WhoeverMayReadItIsTold) {
  write("joe:{PLAIN}secret\n");
  ::chmod(path_.c_str(), 0644);
  open();
  EXPECT_THAT(source_->warning(), HasSubstr("everybody on this machine may read it (mode 0644)"));
}

TEST_F(PasswdFile, NothingIsAskedOfTheDiskInBetween) {
  write("joe:{PLAIN}secret\n");
  open();
  (void)ask("joe");
  const size_t before = env_.jobs(Env::Pool::lookup);
  for (int i = 0; i < 100; ++i) (void)ask("joe");
  EXPECT_EQ(env_.jobs(Env::Pool::lookup), before);
}

TEST_F(PasswdFile, WhatIsWrongInItselfDoesNotLoad) {
  config::Directory settings{"users", config::Directory::Type::passwd_file, true, path_, {}};
  EXPECT_THAT(load_passwd_file_directory(settings).error().message, HasSubstr("directory users: " + path_ + ": "));
  write("no line\n");
  EXPECT_THAT(load_passwd_file_directory(settings).error().message, HasSubstr("line 1: there is no"));
  write("joe:x\n");
  settings.fields = {"host=nowhere"};
  EXPECT_THAT(load_passwd_file_directory(settings).error().message, HasSubstr("fields: there is no field \"nowhere\""));
}

}  // namespace
}  // namespace postigo
