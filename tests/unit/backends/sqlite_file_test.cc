// A35: the database as a file that other programs lock, change, copy, replace and own. What is asked of it and what is
// changed in it: sqlite_test.cc.
#include "backends/directory/sqlite_db.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "backends/directory/sqlite_store.h"
#include "tests/unit/backends/sqlite_directory.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Another program's connection.
class Foreign {
 public:
  explicit Foreign(const std::string& path) { EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK); }
  ~Foreign() { sqlite3_close(handle_); }
  Foreign(const Foreign&) = delete;
  void run(const std::string& sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  }

 private:
  sqlite3* handle_ = nullptr;
};

// Our POSIX locks on a file, as a child of ours sees them: "READ 1073741826 510" and the like. (/proc/locks is read in
// pieces and changes between them; and to open and close the file here would drop the locks.)
std::string locks_on(const std::string& path) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    if (file < 0) _exit(1);
    for (off_t from = 0;; from = lock.l_start + lock.l_len) {
      lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = 0, .l_pid = 0};
      if (fcntl(file, F_GETLK, &lock) != 0) _exit(1);
      if (lock.l_type == F_UNLCK) _exit(0);
      dprintf(ends[1], "%s %jd %jd;", lock.l_type == F_RDLCK ? "READ" : "WRITE", static_cast<intmax_t>(lock.l_start),
              static_cast<intmax_t>(lock.l_len));
      if (lock.l_len == 0) _exit(0);
    }
  }
  close(ends[1]);
  std::string found;
  char octets[512];
  for (ssize_t got; (got = read(ends[0], octets, sizeof octets)) > 0;) found.append(octets, static_cast<size_t>(got));
  close(ends[0]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return found;
}

class SqliteFile : public SqliteDirectory {
 protected:
  void SetUp() override {
    make(path_, {"joe"});
    open();
  }
  static void make(const std::string& path, const std::vector<std::string>& names) {
    auto made = SqliteStore::open(path, SqliteStore::Missing::create);
    ASSERT_TRUE(made) << made.error().message;
    for (const std::string& name : names) ASSERT_TRUE((*made)->add({{name, "{PLAIN}secret", "", "", "", false}}));
  }
  std::unique_ptr<SqliteStore> store() {
    auto opened = SqliteStore::open(path_, SqliteStore::Missing::error);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
};

// The kernel drops all locks of a process on a file when it closes any descriptor of it, whoever opened that.
TEST_F(SqliteFile, A35_OpeningOnceMoreDropsNoLock) {
  auto first = Database::open(path_, Database::Mode::lookup);
  ASSERT_TRUE(first);
  auto reading = (*first)->prepare("SELECT name FROM users");
  ASSERT_TRUE(reading && *reading->step());
  const auto before = locks_on(path_);
  ASSERT_THAT(before, testing::Not(IsEmpty())) << "a read holds SQLite's shared lock";
  for (auto mode : {Database::Mode::lookup, Database::Mode::existing, Database::Mode::create}) {
    ASSERT_TRUE(Database::open(path_, mode));
    EXPECT_EQ(locks_on(path_), before);
  }
  EXPECT_TRUE((*first)->refresh());
  EXPECT_TRUE(load_directories(auth_));
  EXPECT_EQ(locks_on(path_), before);
}

TEST_F(SqliteFile, A35_NoLockIsHeldBetweenLookups) {
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  EXPECT_THAT(locks_on(path_), IsEmpty()) << "it would keep writers out";
}

TEST_F(SqliteFile, A35_EachOfManyChangesCounts) {
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(ask("joe").verdict, Verdict::ok);
    ASSERT_TRUE(store()->set("joe", {.disabled = true}));
    EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
    ASSERT_TRUE(store()->set("joe", {.password = "{PLAIN}other", .disabled = false}));
    EXPECT_EQ(ask("joe").verdict, Verdict::bad_credentials);
    ASSERT_TRUE(store()->del("joe"));
    EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
    ASSERT_TRUE(store()->add({{"joe", "{PLAIN}secret", "", "", "", false}}));
  }
}

TEST_F(SqliteFile, A35_AFileThatIsRenamedOverItCountsAndCanBeChangedAtOnce) {
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  ASSERT_TRUE(store()->add({{"eve", "{PLAIN}secret", "", "", "", false}}));
  EXPECT_EQ(ask("eve").verdict, Verdict::ok);
  const std::string other = place_.file("other.db");
  make(other, {"ann", "bob"});
  std::filesystem::rename(other, path_);
  ASSERT_TRUE(store()->set("bob", {.disabled = true})) << "before the proxy has looked at it";
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
  EXPECT_EQ(ask("bob").verdict, Verdict::disabled);
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
  EXPECT_EQ(ask("eve").verdict, Verdict::no_such_user);
  ASSERT_TRUE(store()->set("ann", {.disabled = true}));
  EXPECT_EQ(ask("ann").verdict, Verdict::disabled);
}

TEST_F(SqliteFile, A35_ABackupTakenMeanwhileIsWholeAndCanBePutBack) {
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  const std::string backup = place_.file("backup.db");
  Foreign(path_).run("VACUUM INTO '" + backup + "'");
  ASSERT_TRUE(store()->set("joe", {.disabled = true}));
  EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
  std::filesystem::rename(backup, path_);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  ASSERT_TRUE(store()->set("joe", {.disabled = true}));
  EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
}

// `cp backup users.db`: the same file with other octets, and perhaps with the same change counter inside.
TEST_F(SqliteFile, A35_ACopyIntoTheFileCounts) {
  const std::string backup = place_.file("backup.db");
  std::filesystem::copy_file(path_, backup);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  ASSERT_TRUE(store()->set("joe", {.disabled = true}));
  EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
  std::filesystem::copy_file(backup, path_, std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  Foreign(backup).run("UPDATE users SET disabled = 1");
  ASSERT_TRUE(store()->set("joe", {.pool = "main"}));  // as many changes as the backup has
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  std::filesystem::copy_file(backup, path_, std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
}

TEST_F(SqliteFile, A35_AWriteAheadLogIsLeftAsSoonAsNobodyElseUsesIt) {
  {
    Foreign other(path_);
    other.run("PRAGMA journal_mode = WAL; UPDATE users SET disabled = 1");
    EXPECT_EQ(ask("joe").verdict, Verdict::disabled) << "with the log it works, too";
    ASSERT_TRUE(store()->set("joe", {.disabled = false}));
    EXPECT_EQ(ask("joe").verdict, Verdict::ok);
    other.run("UPDATE users SET disabled = 1");
    EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
  }
  chain_.reset();
  shared_.reset();
  ASSERT_TRUE(store()->set("joe", {.disabled = false}));
  for (const char* suffix : {"-wal", "-shm"}) EXPECT_FALSE(std::filesystem::exists(path_ + suffix)) << suffix;
}

TEST_F(SqliteFile, OnlyReadingNeedsNoRightToWrite) {
  chain_.reset();
  shared_.reset();
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read);
  std::filesystem::permissions(place_.file("."),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_TRUE(load_directories(auth_));
  std::filesystem::permissions(place_.file("."), std::filesystem::perms::owner_all);
}

// What root makes for the server must be the server's, also the files that SQLite puts beside it.
TEST_F(SqliteFile, RootGivesANewFileAway) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can";
  constexpr uid_t kNobody = 65534;
  const std::string path = place_.file("given.db");
  auto database = Database::open(path, Database::Mode::create, Database::Owner{kNobody, kNobody});
  ASSERT_TRUE(database) << database.error().message;
  std::vector<std::string> seen;
  auto look = [&](const std::string& name) {
    struct stat status {};
    EXPECT_EQ(stat(name.c_str(), &status), 0) << name;
    seen.push_back(fmt::format("{}:{} {:o}", status.st_uid, status.st_gid, status.st_mode & 0777));
  };
  ASSERT_TRUE((*database)->change([&]() -> Result<void> {
    auto done = (*database)->run("INSERT INTO users (name) VALUES ('x')");
    look(path + "-journal");
    return done;
  }));
  look(path);
  EXPECT_THAT(seen, ElementsAre("65534:65534 600", "65534:65534 600"));
}

TEST_F(SqliteFile, WhatCannotBeOpenedSaysWhy) {
  auto open = [](const std::string& path) { return Database::open(path, Database::Mode::existing).error().message; };
  EXPECT_THAT(open(place_.file("none")), HasSubstr("No such file"));
  EXPECT_THAT(open(place_.file(".")), HasSubstr("not a file"));
  EXPECT_THAT(Database::open(place_.file("no/where"), Database::Mode::create).error().message,
              HasSubstr("No such file"));
}

}  // namespace
}  // namespace postigo
