// A directory behind a cache: what reaches it, what two workers make of one question, and that everybody is told on his
// own thread.
#include "backends/directory/cache/cached.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backends/directory/cache/store.h"
#include "backends/directory/entry.h"
#include "tests/fakes/fake_env.h"
#include "tests/fakes/thread_env.h"

namespace postigo {
namespace {

using fakes::FakeEnv;
using fakes::ThreadEnv;

// Knows passwords in clear; takes a while, on a thread; counts.
class Server final : public DirectorySource {
 public:
  explicit Server(bool hashes = false, bool curious = false) : hashes_(hashes), curious_(curious) {}

  std::unique_ptr<Directory> make(Env& env) const override { return std::make_unique<Client>(env, *this); }
  std::string decoy() const override { return "{PLAIN}decoy"; }
  bool hashes() const override { return hashes_; }
  bool curious() const override { return curious_; }

  void set(const std::string& user, const std::string& password) {
    std::lock_guard lock(mutex_);
    passwords_[user] = password;
  }
  std::atomic<bool> away{false};
  mutable std::atomic<int> asked{0};

 private:
  class Client final : public Directory {
   public:
    Client(Env& env, const Server& server) : env_(env), server_(server) {}
    std::string_view name() const override { return "server"; }
    void start(Lookup& lookup, const Query& query) override {
      ++server_.asked;
      auto found = std::make_shared<LookupResult>();
      auto work = [found, query, &server = server_] { *found = server.judge(query); };
      lookup.hold(*env_.offload(Env::Pool::lookup, {}, work, [&lookup, found] { lookup.finish(*found); }));
    }

   private:
    Env& env_;
    const Server& server_;
  };

  LookupResult judge(const Query& query) const {
    if (away) return try_later("away");
    std::lock_guard lock(mutex_);
    LookupResult result;
    result.identity.user = query.user;
    auto known = passwords_.find(query.user);
    result.verdict = known == passwords_.end()              ? Verdict::no_such_user
                     : query.want != Want::verdict          ? Verdict::ok
                     : query.password.equals(known->second) ? Verdict::ok
                                                            : Verdict::bad_credentials;
    return result;
  }

  const bool hashes_, curious_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> passwords_;
};

config::Directory settings(bool check_password = true) {
  config::Directory from;
  from.type = config::Directory::Type::http;
  from.check_password = check_password;
  from.cache.enabled = true;
  return from;
}

Query query(const std::string& user, std::string_view password, Want want = Want::verdict) {
  Query made;
  made.user = user;
  made.password = Secret(password);
  made.mechanism = "PLAIN";
  made.protocol = "imap";
  made.client_ip = "192.0.2.1";
  made.want = want;
  return made;
}

// A question and its answer.
struct Asked {
  std::optional<LookupResult> result;
  Lookup lookup{[this](LookupResult answer) { result = std::move(answer); }};

  Asked(Directory& directory, const Query& what) {
    directory.start(lookup, what);
    EXPECT_FALSE(result) << "an answer from inside start()";
  }
};

class CachedDirectoryTest : public testing::Test {
 protected:
  CachedDirectoryTest() { server_->set("joe", "right"); }

  std::unique_ptr<Directory> worker(FakeEnv& env, const config::Directory& from = settings()) {
    if (source_ == nullptr) source_ = cached(server_, from);
    return source_->make(env);
  }
  Verdict ask(Directory& directory, const Query& what) {
    Asked asked(directory, what);
    env_.run();
    return asked.result ? asked.result->verdict : Verdict::try_later;
  }

  std::shared_ptr<Server> server_ = std::make_shared<Server>();
  SharedSource source_;
  FakeEnv env_, other_;
};

TEST_F(CachedDirectoryTest, TheSecondTimeNobodyIsAsked) {
  auto directory = worker(env_), elsewhere = worker(other_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::ok);
  EXPECT_EQ(server_->asked, 1);
  Asked asked(*elsewhere, query("joe", "right"));
  other_.run();
  EXPECT_EQ(asked.result->verdict, Verdict::ok) << "another worker's";
  EXPECT_EQ(server_->asked, 1);
  EXPECT_EQ(ask(*directory, query("joe", "wrong")), Verdict::bad_credentials);
  EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::ok);
  EXPECT_EQ(server_->asked, 2);
}

TEST_F(CachedDirectoryTest, APasswordThatChanges) {
  auto directory = worker(env_);
  EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::ok);
  server_->set("joe", "new");
  EXPECT_EQ(ask(*directory, query("joe", "new")), Verdict::ok);
  EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::bad_credentials);
}

TEST_F(CachedDirectoryTest, A7_TwoUsersInTurn) {
  server_->set("ann", "right");
  auto directory = worker(env_);
  for (int i = 0; i < 4; ++i) {
    for (const char* user : {"joe", "ann"}) {
      Asked asked(*directory, query(user, "right"));
      env_.run();
      EXPECT_EQ(asked.result->identity.user, user);
    }
  }
  EXPECT_EQ(server_->asked, 2);
}

TEST_F(CachedDirectoryTest, WhereTheBackendChecksPasswordsNoneIsLookedAt) {
  auto directory = worker(env_, settings(false));
  EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::ok);
  EXPECT_EQ(ask(*directory, query("joe", "other")), Verdict::ok);
  EXPECT_EQ(server_->asked, 1);
}

TEST_F(CachedDirectoryTest, StoredSecretsAreNotKept) {
  auto directory = worker(env_);
  for (int i = 0; i < 2; ++i) ask(*directory, query("joe", "", Want::secret));
  EXPECT_EQ(server_->asked, 2);
  EXPECT_EQ(source_->cache()->entries(), 0U);
}

TEST_F(CachedDirectoryTest, FlushAndSections) {
  auto directory = worker(env_);
  ask(*directory, query("joe", "right"));
  source_->cache()->flush("joe");
  ask(*directory, query("joe", "right"));
  EXPECT_EQ(server_->asked, 2);
  EXPECT_TRUE(source_->hashes() == server_->hashes() && source_->decoy() == server_->decoy());
}

TEST_F(CachedDirectoryTest, TwoWorkersOneQuestion) {
  auto directory = worker(env_), elsewhere = worker(other_);
  Asked first(*directory, query("joe", "right"));
  Asked second(*elsewhere, query("joe", "right")), third(*elsewhere, query("joe", "right"));
  other_.advance(1'000);
  EXPECT_FALSE(second.result) << "it has not been answered yet";
  env_.run();
  EXPECT_TRUE(first.result);
  EXPECT_FALSE(second.result) << "nobody is told on another's thread";
  other_.advance(40);
  ASSERT_TRUE(second.result && third.result);
  EXPECT_EQ(second.result->verdict, Verdict::ok);
  EXPECT_EQ(server_->asked, 1);
}

TEST_F(CachedDirectoryTest, WhoeverAskedGoes) {
  auto directory = worker(env_), elsewhere = worker(other_);
  auto first = std::make_optional<Asked>(*directory, query("joe", "right"));
  Asked second(*elsewhere, query("joe", "right"));
  directory.reset();  // by a reload
  first.reset();
  env_.run();
  elsewhere.reset();
  other_.advance(40);
  ASSERT_TRUE(second.result) << "he asks himself";
  EXPECT_EQ(server_->asked, 2);
  auto again = worker(env_);
  auto gone = std::make_optional<Asked>(*again, query("joe", "right"));
  gone.reset();
  EXPECT_EQ(ask(*again, query("joe", "right")), Verdict::ok);
  EXPECT_EQ(server_->asked, 2);
}

TEST_F(CachedDirectoryTest, WhenItIsAwayAndBack) {
  config::Directory from = settings();
  from.cache.stale_ms = 3'600'000;
  auto directory = worker(env_, from);
  EXPECT_EQ(ask(*directory, query("joe", "right")), Verdict::ok);
  env_.advance(60'000);
  server_->away = true;
  Asked stale(*directory, query("joe", "right"));
  env_.run();
  EXPECT_EQ(stale.result->verdict, Verdict::ok);
  EXPECT_NE(stale.result->detail.find("away"), std::string::npos);
  EXPECT_EQ(ask(*directory, query("ann", "x")), Verdict::try_later);
  server_->away = false;
  EXPECT_EQ(ask(*directory, query("ann", "x")), Verdict::no_such_user) << "try later was not kept";
  EXPECT_EQ(source_->cache()->counters().stale, 1U);
}

// Real threads: two workers with the same users at the same time, some of whom go before they are told.
TEST_F(CachedDirectoryTest, TwoWorkersAtTheSameTime) {
  constexpr int kUsers = 20, kRounds = 60;
  for (int i = 0; i < kUsers; ++i) server_->set("u" + std::to_string(i), "p" + std::to_string(i));
  source_ = cached(server_, settings());
  std::atomic<int> wrong{0}, told{0};
  auto work = [&](unsigned salt) {
    ThreadEnv env(2);
    auto directory = source_->make(env);
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::unique_ptr<Asked>> all;
      for (int i = 0; i < kUsers; ++i) {
        const std::string number = std::to_string(i);
        const bool right = (static_cast<unsigned>(i + round) + salt) % 3 != 0;
        all.push_back(std::make_unique<Asked>(*directory, query("u" + number, (right ? "p" : "x") + number)));
      }
      for (size_t i = 0; i < all.size(); i += 7) all[i].reset();
      if (round % 10 == 9) source_->cache()->flush("");
      env.run_until([&] {
        for (const auto& each : all) {
          if (each != nullptr && !each->result) return false;
        }
        return true;
      });
      for (int i = 0; i < kUsers; ++i) {
        if (all[static_cast<size_t>(i)] == nullptr) continue;
        const bool right = (static_cast<unsigned>(i + round) + salt) % 3 != 0;
        wrong += all[static_cast<size_t>(i)]->result->verdict != (right ? Verdict::ok : Verdict::bad_credentials);
        ++told;
      }
    }
  };
  std::thread one(work, 0U), two(work, 1U);
  one.join();
  two.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(told, 2 * kRounds * 17);
  EXPECT_LT(server_->asked, 2 * kRounds * kUsers);
}

}  // namespace
}  // namespace postigo
