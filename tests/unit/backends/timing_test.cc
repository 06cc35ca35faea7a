// A22: the time of a refusal tells nothing about the name. Real threads, real hashes, Welch's t-test; and the same test
// must see the difference when the chain's decoy is made cheap, or it would prove nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "backends/directory/chain.h"
#include "backends/directory/factory.h"
#include "backends/directory/sqlite_store.h"
#include "tests/fakes/thread_env.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

// Cheap enough for thousands of samples, dear enough to stand out from a thread switch. The password is "password".
constexpr const char* kHash =
    "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
// Per kind of name. With POSTIGO_TIMING_SAMPLES=10000 it takes minutes, on a quiet machine only.
size_t samples() {
  const char* wanted = std::getenv("POSTIGO_TIMING_SAMPLES");
  return wanted != nullptr ? std::stoul(wanted) : 300;
}

// Above 4.5 a leak is suspected (Goodwill et al. 2011), above 10 it is plain. Ours are far on either side.
constexpr double kPlain = 10;

struct Kind {
  std::string user, password;
};

// The slowest tenth is the machine's, not ours.
std::vector<double> trimmed(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  samples.resize(samples.size() * 9 / 10);
  return samples;
}

double welch_t(const std::vector<double>& a, const std::vector<double>& b) {
  auto moments = [](const std::vector<double>& samples) {
    double mean = 0, squares = 0;
    for (double sample : samples) mean += sample / static_cast<double>(samples.size());
    for (double sample : samples) squares += (sample - mean) * (sample - mean);
    return std::pair(mean, squares / static_cast<double>(samples.size() - 1) / static_cast<double>(samples.size()));
  };
  auto [mean_a, error_a] = moments(a);
  auto [mean_b, error_b] = moments(b);
  return std::abs(mean_a - mean_b) / std::sqrt(error_a + error_b);
}

class Timing : public testing::Test {
 protected:
  double attempt(Directory& directory, const Kind& kind) {
    bool done = false;
    Lookup lookup([&](LookupResult result) {
      EXPECT_TRUE(result.verdict != Verdict::ok && result.verdict != Verdict::try_later) << result.detail;
      done = true;
    });
    Query query;
    query.user = kind.user;
    query.password = Secret(kind.password);
    auto begun = std::chrono::steady_clock::now();
    directory.start(lookup, query);
    env_.run_until([&] { return done; });
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count();
  }

  // In random order, so that whatever else the machine does falls on all alike.
  std::vector<std::vector<double>> measure(Directory& directory, const std::vector<Kind>& kinds) {
    std::vector<std::vector<double>> times(kinds.size());
    std::vector<size_t> order;
    for (size_t i = 0; i < samples() * kinds.size(); ++i) order.push_back(i % kinds.size());
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    for (const Kind& kind : kinds) (void)attempt(directory, kind);
    for (size_t kind : order) times[kind].push_back(attempt(directory, kinds[kind]));
    for (auto& samples : times) samples = trimmed(std::move(samples));
    return times;
  }

  std::vector<config::StaticUser> entries_ = {
      {"joe", kHash, "", "", "", false}, {"off", kHash, "", "", "", true}, {"nopass", "", "", "", "", false}};
  const std::vector<Kind> kinds_ = {
      {"eve", "wrong"}, {"joe", "wrong"}, {"off", "password"}, {"off", "wrong"}, {"nopass", "wrong"}};
  fakes::ThreadEnv env_{1};
  Temporary place_;
};

TEST_F(Timing, A22_AllRefusalsTakeTheSame) {
  const std::string path = place_.file("users.db");
  {
    auto store = SqliteStore::open(path, SqliteStore::Missing::create);
    ASSERT_TRUE(store);
    for (const config::StaticUser& user : entries_) {
      Entry entry;
      static_cast<config::StaticUser&>(entry) = user;
      ASSERT_TRUE((*store)->add(entry));
    }
  }
  config::Directory sqlite{"db", config::Directory::Type::sqlite, true, path, {}};
  config::Directory fixed{"file", config::Directory::Type::fixed, true, "", entries_};
  for (const config::Directory& one : {sqlite, fixed}) {
    config::Auth auth;
    auth.directories = {one};
    auto shared = load_directories(auth);
    ASSERT_TRUE(shared);
    auto chain = make_chain(**shared, env_);
    // What the code does shows each time, what the machine does not: a loaded one may speak for another try.
    std::string plain = "untried";
    for (int tries = 0; tries < 3 && !plain.empty(); ++tries) {
      auto times = measure(*chain, kinds_);
      plain.clear();
      for (size_t i = 1; i < kinds_.size(); ++i) {
        if (welch_t(times[0], times[i]) >= kPlain) plain += " " + kinds_[i].user;
      }
    }
    EXPECT_EQ(plain, "") << one.name << ": unknown against these";
  }
}

TEST_F(Timing, A22_ACheapDecoyWouldBeSeen) {
  config::Directory fixed{"file", config::Directory::Type::fixed, true, "", entries_};
  auto source = load_static_directory(fixed);
  ASSERT_TRUE(source);
  std::vector<Chain::Link> links;
  links.push_back({(*source)->make(env_), true});
  Chain chain(env_, std::move(links), false, "{PLAIN}x");
  double seen = 0;
  for (int tries = 0; tries < 3 && seen <= kPlain; ++tries) {
    auto times = measure(chain, {kinds_[0], kinds_[1]});
    seen = welch_t(times[0], times[1]);
  }
  EXPECT_GT(seen, kPlain);
}

}  // namespace
}  // namespace postigo
