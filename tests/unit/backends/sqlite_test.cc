// The embedded directory: its file, its store, and what becomes of it when the file is in trouble.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "backends/directory/sqlite_store.h"
#include "tests/fakes/fake_env.h"
#include "tests/fakes/thread_env.h"
#include "tests/unit/backends/sqlite_directory.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Entry entry(const std::string& name, const std::string& password = "{PLAIN}secret", const std::string& pool = "") {
  return {{name, password, pool, "", "", false}};
}

std::unique_ptr<SqliteStore> open_store(const std::string& path) {
  auto store = SqliteStore::open(path, SqliteStore::Missing::create);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

std::vector<std::string> names(SqliteStore& store) {
  std::vector<std::string> all;
  EXPECT_TRUE(store.list([&](const Entry& one) { all.push_back(one.name); }));
  return all;
}

// As another program sees the file.
void foreign(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_close(handle);
}

class SqliteTest : public testing::Test {
 protected:
  Temporary place_;
  const std::string path_ = place_.file("users.db");
};

TEST_F(SqliteTest, ANewFileIsForItsOwnerOnlyAndStandsAlone) {
  auto store = open_store(path_);
  ASSERT_TRUE(store->add(entry("joe")));
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  for (const char* suffix : {"-wal", "-shm", "-journal"}) EXPECT_FALSE(std::filesystem::exists(path_ + suffix));
}

TEST_F(SqliteTest, OnlyCreateMakesAFile) {
  auto store = SqliteStore::open(path_, SqliteStore::Missing::error);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message, "cannot open database " + path_ + ": No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteTest, AddSetDelListFind) {
  auto store = open_store(path_);
  ASSERT_TRUE(store->add({{"joe", "{PLAIN}a", "main", "s1", "joe2", true}}));
  ASSERT_TRUE(store->add(entry("ann", "")));
  ASSERT_TRUE(store->add(entry("@example.com", "", "main")));
  EXPECT_EQ(store->add(entry("joe")).error().message, "joe exists already");
  EXPECT_THAT(names(*store), ElementsAre("@example.com", "ann", "joe"));

  ASSERT_TRUE(store->set("joe", {.password = "{PLAIN}b", .shard = ""}));
  auto joe = store->find("joe");
  ASSERT_TRUE(joe && *joe);
  EXPECT_EQ((*joe)->password, "{PLAIN}b");
  EXPECT_EQ((*joe)->pool, "main") << "what is not set stays";
  EXPECT_EQ((*joe)->shard, "") << "what is set to nothing goes";
  EXPECT_EQ((*joe)->backend_user, "joe2");
  EXPECT_TRUE((*joe)->disabled);
  ASSERT_TRUE(store->set("joe", {.disabled = false}));
  EXPECT_FALSE((*store->find("joe"))->disabled);

  EXPECT_EQ(store->set("eve", {.pool = "x"}).error().message, "no entry is called eve");
  EXPECT_EQ(store->del("eve").error().message, "no entry is called eve");
  ASSERT_TRUE(store->del("ann"));
  EXPECT_THAT(names(*store), ElementsAre("@example.com", "joe"));
  EXPECT_FALSE(*store->find("ann"));
}

TEST_F(SqliteTest, TheStoreTakesNoNonsense) {
  auto store = open_store(path_);
  EXPECT_FALSE(store->add(entry("")));
  EXPECT_FALSE(store->add(entry("a\nb")));
  EXPECT_FALSE(store->add(entry(std::string(513, 'x'))));
  EXPECT_FALSE(store->add(entry("joe", "secret"))) << "a password without a scheme would be a lock-out";
  EXPECT_FALSE(store->add(entry("@example.com")));
  ASSERT_TRUE(store->add(entry("joe")));
  EXPECT_FALSE(store->set("joe", {.password = "secret"}));
}

TEST_F(SqliteTest, ImportIsAllOrNothing) {
  auto store = open_store(path_);
  auto same = [](std::string_view name) { return std::string(name); };
  ASSERT_TRUE(store->add(entry("joe", "{PLAIN}old", "main")));

  auto bad = store->import(read_users("ann:{PLAIN}x\nbob:nonsense\njoe:{PLAIN}new\nann:{PLAIN}y\n", same), false);
  ASSERT_TRUE(bad);
  ASSERT_EQ(bad->problems.size(), 3u);
  EXPECT_EQ(bad->problems[0].line, 2u);
  EXPECT_EQ(bad->problems[1].line, 3u);
  EXPECT_EQ(bad->problems[1].message, "joe exists already");
  EXPECT_EQ(bad->problems[2].line, 4u);
  EXPECT_EQ(bad->problems[2].message, "ann is in line 1 too");
  EXPECT_THAT(names(*store), ElementsAre("joe"));

  auto good = store->import(read_users("ann:{PLAIN}x\njoe:{PLAIN}new\n", same), true);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good->problems.empty());
  EXPECT_EQ(good->added, 1u);
  EXPECT_EQ(good->replaced, 1u);
  EXPECT_EQ((*store->find("joe"))->password, "{PLAIN}new");
  EXPECT_EQ((*store->find("joe"))->pool, "") << "replaced, not merged";
}

TEST_F(SqliteTest, SomebodyElsesDatabaseIsLeftAlone) {
  foreign(path_, "CREATE TABLE users (id INTEGER, name TEXT); INSERT INTO users VALUES (1, 'x')");
  auto before = std::filesystem::file_size(path_);
  auto store = SqliteStore::open(path_, SqliteStore::Missing::create);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("not a Postigo database"));
  EXPECT_EQ(std::filesystem::file_size(path_), before);
}

TEST_F(SqliteTest, ASchemaOfTheFutureIsNotTouched) {
  open_store(path_);
  foreign(path_, "PRAGMA user_version = 99");
  EXPECT_THAT(SqliteStore::open(path_, SqliteStore::Missing::error).error().message, HasSubstr("its schema is 99"));
}

TEST_F(SqliteTest, AnEmptyFileBecomesADatabase) {
  std::ofstream(path_).close();
  EXPECT_TRUE(SqliteStore::open(path_, SqliteStore::Missing::error));
}

// The directory over a file that gets into trouble while we run.
class SqliteDirectoryTest : public SqliteDirectory {
 protected:
  void SetUp() override {
    ASSERT_TRUE(open_store(path_)->add(entry("joe")));
    open();
  }
};

TEST_F(SqliteDirectoryTest, ChangesAreSeenAtOnce) {
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  EXPECT_EQ(ask("ann").verdict, Verdict::no_such_user);
  auto store = open_store(path_);
  ASSERT_TRUE(store->add(entry("ann")));
  ASSERT_TRUE(store->set("joe", {.disabled = true}));
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
  EXPECT_EQ(ask("joe").verdict, Verdict::disabled);
}

TEST_F(SqliteDirectoryTest, AMissingFileIsTryLaterAndComesBack) {
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  std::filesystem::rename(path_, path_ + ".away");
  auto gone = ask("joe");
  EXPECT_EQ(gone.verdict, Verdict::try_later);
  EXPECT_THAT(gone.detail, HasSubstr("No such file"));
  EXPECT_EQ(ask("nobody").verdict, Verdict::try_later) << "never \"no such user\"";
  std::filesystem::rename(path_ + ".away", path_);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
}

TEST_F(SqliteDirectoryTest, GarbageIsTryLater) {
  chain_.reset();
  shared_.reset();
  auto shared = load_directories(auth_);
  ASSERT_TRUE(shared);
  chain_ = make_chain(**shared, env_);
  std::filesystem::remove(path_);
  std::ofstream(path_) << std::string(8192, 'g');
  auto broken = ask("joe");
  EXPECT_EQ(broken.verdict, Verdict::try_later);
  EXPECT_THAT(broken.detail, HasSubstr("not a database"));
  EXPECT_THAT(load_directories(auth_).error().message, HasSubstr("directory users: cannot open database"));
}

TEST_F(SqliteDirectoryTest, AForeignSchemaIsTryLater) {
  std::filesystem::remove(path_);
  foreign(path_, "CREATE TABLE users (name TEXT)");
  auto other = ask("joe");
  EXPECT_EQ(other.verdict, Verdict::try_later);
  EXPECT_THAT(other.detail, HasSubstr("not a Postigo database"));
}

TEST_F(SqliteDirectoryTest, ALockedFileIsTryLater) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE users SET pool = 'x'",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  chain_ = make_chain(*shared_, env_);
  auto locked = ask("joe");
  EXPECT_EQ(locked.verdict, Verdict::try_later);
  EXPECT_THAT(locked.detail, HasSubstr("locked"));
  sqlite3_close(handle);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
}

// A writer in an open transaction disturbs nobody before it commits.
TEST_F(SqliteDirectoryTest, AWriterDoesNotBlockLogins) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "BEGIN IMMEDIATE; UPDATE users SET disabled = 1", nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  sqlite3_close(handle);
}

// A22: our fault, and told as that; but it costs what a refusal costs.
TEST_F(SqliteDirectoryTest, A22_AnUnusableHashCostsOneHashLikeAnyRefusal) {
  for (const char* stored : {"{ROT13}x", "nonsense", "{CRYPT}*0", "{CRYPT}!", "$argon2id$",
                             "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"}) {
    foreign(path_, ("UPDATE users SET password = '" + std::string(stored) + "'").c_str());
    const uint64_t before = password_checks();
    auto result = ask("joe");
    EXPECT_EQ(result.verdict, Verdict::unusable) << stored;
    EXPECT_FALSE(result.detail.empty());
    EXPECT_EQ(password_checks() - before, 1u) << stored;
    EXPECT_EQ(env_.password_turns().size(), 2u) << "where it is checked, and in the last line";
  }
}

// For ThreadSanitizer: real pools, several at once, a store that writes meanwhile, look-ups that die early.
TEST_F(SqliteDirectoryTest, ManyThreads) {
  fakes::ThreadEnv env(4);
  auto chain = make_chain(*shared_, env);
  auto store = open_store(path_);
  std::vector<std::unique_ptr<Lookup>> lookups;
  size_t answers = 0, expected = 0;
  for (size_t i = 0; i < 400; ++i) {
    Query query;
    query.user = i % 3 ? "joe" : "nobody";
    query.password = Secret("secret");
    lookups.push_back(std::make_unique<Lookup>([&, i](LookupResult result) {
      EXPECT_EQ(result.verdict, i % 3 ? Verdict::ok : Verdict::no_such_user) << result.detail;
      ++answers;
    }));
    chain->start(*lookups.back(), query);
    if (i % 7 == 0) {
      lookups.back().reset();
    } else {
      ++expected;
    }
    if (i % 50 == 0) {
      ASSERT_TRUE(store->add(entry(std::string("user").append(std::to_string(i)))));
    }
  }
  env.run_until([&] { return answers == expected; });
  lookups.clear();
}

// The same with several loops over one source, and a user who comes and goes: look-ups, standing and reconnections
// meet.
TEST_F(SqliteDirectoryTest, ManyWorkersAndAWriter) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 3; ++worker) {
    threads.emplace_back([this] {
      fakes::ThreadEnv env(2);
      auto chain = make_chain(*shared_, env);
      for (int i = 0; i < 150; ++i) {
        bool answered = false;
        Query query;
        query.user = i % 3 == 0 ? "joe" : "guest";
        query.password = Secret(i % 4 == 0 ? "wrong" : "secret");
        Lookup lookup([&](LookupResult result) {
          EXPECT_NE(result.verdict, Verdict::try_later) << result.detail;
          answered = true;
        });
        chain->start(lookup, query);
        env.run_until([&] { return answered; });
      }
    });
  }
  std::thread writer([&] {
    auto store = open_store(path_);
    while (!stop) {
      EXPECT_TRUE(store->add(entry("guest")));
      EXPECT_TRUE(store->set("joe", {.pool = "x"}));
      EXPECT_TRUE(store->del("guest"));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // as between the commands of a script
    }
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace postigo
