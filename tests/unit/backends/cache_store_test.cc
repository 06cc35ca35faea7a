// What is kept of answers, how long, and for whom: rule by rule, then against a directory that changes at random.
#include "backends/directory/cache/store.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backends/directory/cache/key.h"

namespace postigo {
namespace {

using Next = CacheStore::Step::Next;

config::Cache terms(uint64_t stale_ms = 0) { return {true, 60'000, 5'000, stale_ms, 1000}; }
CacheStore::Now at(uint64_t ms) { return {ms, static_cast<int64_t>(1'000'000 + ms / 1000)}; }

CacheStore::Question question(const std::string& user, std::string_view secret) {
  Query query;
  query.user = user;
  return {cache_context(query, false), secret_digest(Secret(secret))};
}

LookupResult says(Verdict verdict) {
  LookupResult result{verdict, {}, "words"};
  result.identity.pool = "p";
  return result;
}

// Asks, and answers at once if nothing is kept.
Verdict ask(CacheStore& store, const CacheStore::Question& about, Verdict truth, uint64_t ms, bool* kept = nullptr) {
  auto step = store.begin(about, at(ms));
  if (kept != nullptr) *kept = step.next == Next::answered;
  if (step.next == Next::answered) return step.answer.verdict;
  EXPECT_EQ(step.next, Next::ask);
  return store.end(about, step, says(truth), at(ms)).verdict;
}

TEST(CacheStore, AYesForItsTimeAndItsSecret) {
  CacheStore store(terms(), true);
  const auto right = question("joe", "right"), wrong = question("joe", "wrong");
  EXPECT_EQ(ask(store, right, Verdict::ok, 0), Verdict::ok);
  auto step = store.begin(right, at(59'999));
  ASSERT_EQ(step.next, Next::answered);
  EXPECT_EQ(step.answer.identity.pool, "p");
  EXPECT_EQ(step.answer.detail, "") << "what was odd then is not odd now";
  bool kept = true;
  EXPECT_EQ(ask(store, wrong, Verdict::bad_credentials, 1, &kept), Verdict::bad_credentials);
  EXPECT_FALSE(kept) << "a wrong one is never answered from a right one";
  EXPECT_EQ(ask(store, right, Verdict::bad_credentials, 2), Verdict::ok) << "guesses take nothing away";
  EXPECT_EQ(ask(store, right, Verdict::bad_credentials, 60'000), Verdict::bad_credentials);
  EXPECT_EQ(store.counters().hits, 2U);
}

TEST(CacheStore, ANewSecretTakesThePlaceOfTheOld) {
  CacheStore store(terms(), true);
  const auto old = question("joe", "old"), fresh = question("joe", "new");
  ask(store, old, Verdict::ok, 0);
  EXPECT_EQ(ask(store, fresh, Verdict::ok, 1), Verdict::ok) << "it was never refused because an old one was kept";
  EXPECT_EQ(ask(store, old, Verdict::bad_credentials, 2), Verdict::bad_credentials);
}

TEST(CacheStore, ANoForAShortWhileAndItsSecretAlone) {
  CacheStore store(terms(), true);
  const auto guess = question("joe", "guess");
  ask(store, guess, Verdict::bad_credentials, 0);
  EXPECT_EQ(ask(store, guess, Verdict::ok, 4'999), Verdict::bad_credentials);
  EXPECT_EQ(ask(store, question("joe", "right"), Verdict::ok, 10), Verdict::ok);
  EXPECT_EQ(ask(store, guess, Verdict::ok, 5'000), Verdict::ok) << "it has become right";
  CacheStore hashing(terms(), false);
  ask(hashing, guess, Verdict::bad_credentials, 0);
  EXPECT_EQ(ask(hashing, guess, Verdict::ok, 1), Verdict::ok) << "whoever hashes is asked about each wrong one (A22)";
  ask(hashing, question("nobody", "x"), Verdict::no_such_user, 0);
  EXPECT_EQ(ask(hashing, question("nobody", "x"), Verdict::ok, 1), Verdict::no_such_user);
}

TEST(CacheStore, WhatIsNeverKept) {
  for (Verdict verdict : {Verdict::try_later, Verdict::unusable, Verdict::disabled}) {
    CacheStore store(terms(), true);
    ask(store, question("joe", "x"), verdict, 0);
    EXPECT_EQ(ask(store, question("joe", "x"), Verdict::ok, 1), Verdict::ok);
  }
  CacheStore store(terms(), true);
  ask(store, question("joe", "x"), Verdict::ok, 0);
  auto step = store.begin(question("joe", "y"), at(1));
  store.end(question("joe", "y"), step, says(Verdict::disabled), at(1));
  EXPECT_EQ(ask(store, question("joe", "x"), Verdict::disabled, 2), Verdict::disabled) << "he is out at once";
}

TEST(CacheStore, NothingOutlivesWhatItKnowsOfItself) {
  CacheStore store(terms(60'000), true);
  const auto about = question("", "token");
  auto step = store.begin(about, at(0));
  LookupResult good = says(Verdict::ok);
  good.good_until_s = at(10'000).unix_s;
  store.end(about, step, good, at(0));
  EXPECT_EQ(ask(store, about, Verdict::bad_credentials, 9'999), Verdict::ok);
  EXPECT_EQ(ask(store, about, Verdict::try_later, 10'000), Verdict::try_later) << "nor is it stale behind that";
}

TEST(CacheStore, StaleAnswersOnlyIfWanted) {
  const auto about = question("joe", "x");
  CacheStore strict(terms(), true), patient(terms(3'600'000), true);
  for (CacheStore* store : {&strict, &patient}) ask(*store, about, Verdict::ok, 0);
  EXPECT_EQ(ask(strict, about, Verdict::try_later, 60'000), Verdict::try_later);
  EXPECT_EQ(ask(patient, about, Verdict::try_later, 60'000), Verdict::ok);
  EXPECT_EQ(ask(patient, question("joe", "y"), Verdict::try_later, 60'000), Verdict::try_later);
  EXPECT_EQ(ask(patient, about, Verdict::bad_credentials, 60'001), Verdict::bad_credentials) << "it is back";
  EXPECT_EQ(ask(patient, about, Verdict::try_later, 60'002 + 5'000), Verdict::try_later);
  EXPECT_EQ(patient.counters().stale, 1U);
}

TEST(CacheStore, EqualQuestionsAtATimeAreOne) {
  CacheStore store(terms(), true);
  const auto about = question("joe", "x");
  auto first = store.begin(about, at(0)), second = store.begin(about, at(1)),
       other = store.begin(question("joe", "y"), at(1));
  EXPECT_EQ(first.next, Next::ask);
  EXPECT_EQ(second.next, Next::wait);
  EXPECT_EQ(other.next, Next::ask) << "that is another question";
  EXPECT_EQ(store.again(about, second).next, Next::wait);
  store.end(about, first, says(Verdict::try_later), at(2));
  second = store.again(about, second);
  ASSERT_EQ(second.next, Next::answered);
  EXPECT_EQ(second.answer.verdict, Verdict::try_later) << "a dead directory is asked once, not once for each";
  store.end(question("joe", "y"), other, says(Verdict::try_later), at(2));
  EXPECT_EQ(store.entries(), 0U) << "and nothing of it is left";
}

TEST(CacheStore, WhoeverAskedMayGo) {
  CacheStore store(terms(), true);
  const auto about = question("joe", "x");
  auto first = store.begin(about, at(0)), second = store.begin(about, at(0)), third = store.begin(about, at(0));
  store.leave(about, first);
  second = store.again(about, second);
  EXPECT_EQ(second.next, Next::ask) << "one of those who wait asks instead";
  EXPECT_EQ(store.again(about, third).next, Next::wait);
  store.leave(about, third);
  store.end(about, second, says(Verdict::ok), at(1));
  EXPECT_EQ(store.begin(about, at(2)).next, Next::answered);
  auto alone = store.begin(question("ann", "x"), at(0));
  store.leave(question("ann", "x"), alone);
  EXPECT_EQ(store.entries(), 1U);
}

TEST(CacheStore, Flush) {
  CacheStore store(terms(), true);
  for (const char* user : {"joe", "ann", "jo"}) ask(store, question(user, "x"), Verdict::ok, 0);
  auto asked = store.begin(question("bob", "x"), at(0));
  EXPECT_EQ(store.flush("joe"), 1U);
  EXPECT_EQ(ask(store, question("joe", "x"), Verdict::bad_credentials, 1), Verdict::bad_credentials);
  EXPECT_EQ(ask(store, question("jo", "x"), Verdict::bad_credentials, 1), Verdict::ok);
  EXPECT_EQ(store.begin(question("bob", "x"), at(1)).next, Next::ask) << "nobody joins a question of before";
  store.end(question("bob", "x"), asked, says(Verdict::ok), at(1));
  EXPECT_EQ(ask(store, question("bob", "x"), Verdict::bad_credentials, 1), Verdict::bad_credentials)
      << "what was asked before the flush is not kept";
  EXPECT_EQ(store.flush(""), 4U);
}

// An operator knows one name of him: a token says none, and LDAP may call him otherwise.
TEST(CacheStore, FlushFindsHimByTheNameThatHeWasGiven) {
  CacheStore store(terms(), true);
  LookupResult answer = says(Verdict::ok);
  answer.identity.user = "Joe";
  for (const char* asked : {"", "jdoe"}) {
    const auto about = question(asked, "x");
    store.end(about, store.begin(about, at(0)), answer, at(0));
  }
  ask(store, question("joel", "x"), Verdict::ok, 0);
  EXPECT_EQ(store.flush("joe"), 2U);
  EXPECT_EQ(store.begin(question("jdoe", "x"), at(1)).next, Next::ask);
}

TEST(CacheStore, IsBounded) {
  CacheStore store({true, 60'000, 5'000, 0, 128}, true);
  for (int i = 0; i < 10'000; ++i) ask(store, question("u" + std::to_string(i), "x"), Verdict::ok, 0);
  EXPECT_LE(store.entries(), store.entries_max());
  EXPECT_LE(store.entries_max(), 192U);
}

// CVE-2025-30189: one key for all users. And what else an answer depends on.
TEST(CacheStore, A7_AnotherQuestionIsAnotherContext) {
  auto circumstances = std::make_shared<Circumstances>();
  Query base;
  base.user = "joe";
  base.mechanism = "PLAIN";
  base.protocol = "imap";
  base.listener = "imaps";
  base.client_ip = "192.0.2.1";
  base.circumstances = circumstances;
  std::vector<Query> others(8, base);
  others[0].user = "ann";
  others[1].mechanism = "LOGIN";
  others[2].protocol = "pop3";
  others[3].listener = "imap";
  others[4].client_ip = "192.0.2.2";
  others[5].want = Want::account;
  others[6].user = "joe" + std::string(1, '\0') + "PLAIN";
  others[7].user = "joePLAIN";
  others[7].mechanism = "";
  for (const Query& other : others) EXPECT_NE(cache_context(base, true), cache_context(other, true));
  auto elsewhere = std::make_shared<Circumstances>();
  elsewhere->tls = true;
  elsewhere->session_id = "1";
  Query other = base;
  other.circumstances = elsewhere;
  EXPECT_NE(cache_context(base, true), cache_context(other, true));
  EXPECT_EQ(cache_context(base, false), cache_context(other, false)) << "it is not told of them";
  elsewhere->tls = false;
  EXPECT_EQ(cache_context(base, true), cache_context(other, true)) << "each login has an id of its own";
  EXPECT_NE(secret_digest(Secret("a")), secret_digest(Secret("b")));
  EXPECT_EQ(secret_digest(Secret("a")), secret_digest(Secret("a")));
}

// A directory of a few users who come, go, and change their passwords, and that is away now and then. Whatever is
// answered must have been true within the time that it may be kept.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed), store_(terms_, true) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      now_ += random_() % 4'000;
      if (random_() % 12 == 0) change();
      ask_one();
    }
  }

 private:
  struct Truth {
    uint64_t from_ms;
    std::optional<std::string> password;  // none: there is no such user
    bool away;
  };

  void change() {
    auto& history = histories_[random_() % 3];
    std::optional<std::string> password;
    if (random_() % 4 != 0) password = std::string(1, static_cast<char>('a' + random_() % 3));
    history.push_back({now_, password, random_() % 4 == 0});
  }

  // Whether it was so at any time since `since`.
  template <typename Was>
  static bool ever(const std::vector<Truth>& history, uint64_t since, Was was) {
    for (size_t i = 0; i < history.size(); ++i) {
      const bool over = i + 1 < history.size() && history[i + 1].from_ms <= since;
      if (!over && was(history[i])) return true;
    }
    return false;
  }

  Verdict truth(size_t user, const std::string& secret) const {
    const Truth& now = histories_[user].back();
    if (now.away) return Verdict::try_later;
    if (!now.password) return Verdict::no_such_user;
    return *now.password == secret ? Verdict::ok : Verdict::bad_credentials;
  }

  void ask_one() {
    const size_t user = random_() % 3;
    const std::string secret(1, static_cast<char>('a' + random_() % 3));
    const Verdict now = truth(user, secret);
    bool kept = false;
    const Verdict told = ask(store_, question("u" + std::to_string(user), secret), now, now_, &kept);
    judge(user, secret, now, told, kept);
    if (!kept && now == Verdict::ok) last_yes_[user] = secret;
  }

  void judge(size_t user, const std::string& secret, Verdict now, Verdict told, bool kept) {
    const auto& history = histories_[user];
    auto right = [&](const Truth& each) { return each.password == secret; };
    auto wrong = [&](const Truth& each) { return each.password != secret; };
    const uint64_t ttl = terms_.ttl_ms + (now == Verdict::try_later ? terms_.stale_ms : 0);
    if (told == Verdict::ok) {
      EXPECT_TRUE(ever(history, now_ - std::min(now_, ttl), right)) << now_;
      EXPECT_TRUE(!kept || last_yes_[user] == secret) << "the last one that was right has taken its place";
    } else if (told == Verdict::try_later) {
      EXPECT_EQ(now, Verdict::try_later);
      EXPECT_FALSE(kept);
    } else {
      EXPECT_TRUE(ever(history, now_ - std::min(now_, terms_.negative_ttl_ms), wrong)) << now_;
    }
    EXPECT_TRUE(kept || now == Verdict::try_later || told == now);
  }

  std::mt19937 random_;
  config::Cache terms_ = terms(30'000);
  CacheStore store_;
  uint64_t now_ = 1;
  std::vector<Truth> histories_[3] = {{{0, "a", false}}, {{0, "b", false}}, {{0, std::nullopt, false}}};
  std::map<size_t, std::string> last_yes_;
};

TEST(CacheStore, WhateverChangesNothingIsToldThatWasNotTrueLately) {
  for (unsigned seed = 1; seed <= 200 && !HasFailure(); ++seed) Model(seed).run(500);
}

}  // namespace
}  // namespace postigo
