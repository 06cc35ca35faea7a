// The chain: order, what stops it, who may pass unknown, and one hash per attempt.
#include "backends/directory/chain.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "backends/client_network.h"
#include "backends/directory/entry.h"
#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "tests/fakes/fake_env.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

// Says what it is told to, later, and remembers that it was asked.
class Scripted final : public Directory {
 public:
  Scripted(Env& env, Verdict verdict, int& asked, std::vector<std::string>* heard = nullptr)
      : env_(env), verdict_(verdict), asked_(asked), heard_(heard) {}
  std::string_view name() const override { return "scripted"; }
  void start(Lookup& lookup, const Query& query) override {
    ++asked_;
    if (heard_ != nullptr) heard_->emplace_back(query.password.reveal());
    Identity identity;
    identity.user = query.user;
    answer_later(env_, lookup, {verdict_, identity, "scripted"});
  }

 private:
  Env& env_;
  Verdict verdict_;
  int& asked_;
  std::vector<std::string>* heard_;
};

Query chain_query(const std::string& user, std::string_view password = "secret") {
  Query made;
  made.user = user;
  made.password = Secret(password);
  made.mechanism = "PLAIN";
  made.protocol = "imap";
  made.client_ip = "192.0.2.1";
  return made;
}

struct Outcome {
  std::optional<LookupResult> result;
  int answers = 0;
};

struct Answers {
  Verdict verdict;
  bool checks_password = false;
};

class ChainTest : public testing::Test {
 protected:
  std::unique_ptr<Chain> chain(const std::vector<Answers>& directories, bool accept_unknown = false) {
    std::vector<Chain::Link> links;
    asked_.assign(directories.size(), 0);
    for (size_t i = 0; i < directories.size(); ++i) {
      links.push_back(
          {std::make_unique<Scripted>(env_, directories[i].verdict, asked_[i]), directories[i].checks_password});
    }
    return std::make_unique<Chain>(env_, std::move(links), accept_unknown, "{PLAIN}decoy");
  }

  LookupResult ask(Directory& directory, const Query& what) {
    Outcome outcome;
    Lookup lookup([&](LookupResult result) {
      outcome.result = std::move(result);
      ++outcome.answers;
    });
    directory.start(lookup, what);
    EXPECT_EQ(outcome.answers, 0) << "an answer from inside start()";
    env_.run();
    EXPECT_EQ(outcome.answers, 1);
    EXPECT_TRUE(env_.idle());
    return outcome.result.value_or(LookupResult());
  }
  LookupResult ask(Directory& directory) { return ask(directory, chain_query("joe")); }
  uint64_t hashes() const { return password_checks() - before_; }

  FakeEnv env_;
  std::vector<int> asked_;
  int unheeded_ = 0;
  uint64_t before_ = password_checks();
};

TEST_F(ChainTest, WithoutDirectoriesEverybodyIsRoutedUnverified) {
  auto result = ask(*chain({}));
  EXPECT_EQ(result.verdict, Verdict::ok);
  EXPECT_EQ(result.identity.user, "joe");
  EXPECT_FALSE(result.identity.verified);
  EXPECT_EQ(hashes(), 0u);
}

TEST_F(ChainTest, OnlyNoSuchUserAsksTheNextOne) {
  for (Verdict stop : {Verdict::ok, Verdict::bad_credentials, Verdict::disabled, Verdict::try_later}) {
    auto made = chain({{Verdict::no_such_user}, {stop}, {Verdict::ok}});
    EXPECT_EQ(ask(*made).verdict, stop);
    EXPECT_EQ(asked_, (std::vector<int>{1, 1, 0}));
  }
}

TEST_F(ChainTest, APlaceCostsNoHash) {
  Query place = chain_query("joe", "");
  place.want = Want::placement;
  for (Verdict last : {Verdict::ok, Verdict::no_such_user, Verdict::try_later}) {
    EXPECT_EQ(ask(*chain({{Verdict::no_such_user, true}, {last}}), place).verdict, last);
  }
  EXPECT_EQ(hashes(), 0u);
}

// RFC 4013: U+2168 is IX. Only the directory that says so hears it in that form; what has none is asked about as it is.
TEST_F(ChainTest, APasswordIsPreparedWhereTheDirectorySaysSo) {
  std::vector<std::string> heard;
  std::vector<Chain::Link> links;
  for (bool saslprep : {false, true, false}) {
    links.push_back({std::make_unique<Scripted>(env_, Verdict::no_such_user, unheeded_, &heard), false, saslprep});
  }
  Chain chain(env_, std::move(links), false, "{PLAIN}decoy");
  (void)ask(chain, chain_query("joe", "\u2168"));
  (void)ask(chain, chain_query("joe", "\xff"));
  EXPECT_EQ(heard, (std::vector<std::string>{"\u2168", "IX", "\u2168", "\xff", "\xff", "\xff"}));
}

TEST_F(ChainTest, ANameThatNobodyKnows) {
  auto result = ask(*chain({{Verdict::no_such_user}, {Verdict::no_such_user}}));
  EXPECT_EQ(result.verdict, Verdict::no_such_user);
  EXPECT_EQ(asked_, (std::vector<int>{1, 1}));
}

TEST_F(ChainTest, ANameThatNobodyKnowsIsRoutedIfTheOperatorSaysSo) {
  auto result = ask(*chain({{Verdict::no_such_user}}, true));
  EXPECT_EQ(result.verdict, Verdict::ok);
  EXPECT_EQ(result.identity.user, "joe");
  EXPECT_FALSE(result.identity.verified);
}

// A22. A link that checks passwords has spent its own hash (the contract test proves that), so the chain adds none;
// for every other answer it does, but not for "try later", which tells nothing about the name.
TEST_F(ChainTest, NobodysTokenIsPassedOn) {
  Query token = chain_query("joe");
  token.want = Want::token;
  EXPECT_EQ(ask(*chain({}), token).verdict, Verdict::no_such_user) << "no backend could say whose it is";
  EXPECT_EQ(ask(*chain({{Verdict::no_such_user}}, true), token).verdict, Verdict::no_such_user);
}

TEST_F(ChainTest, OneHashWhateverTheOutcome) {
  const struct {
    std::vector<Answers> directories;
    bool accept_unknown;
    size_t expected;
  } cases[] = {
      {{{Verdict::no_such_user, true}}, false, 1},
      {{{Verdict::no_such_user, true}}, true, 1},
      {{{Verdict::no_such_user, true}, {Verdict::no_such_user, true}}, false, 1},
      {{{Verdict::no_such_user, true}, {Verdict::ok}}, false, 1},
      {{{Verdict::no_such_user, true}, {Verdict::disabled}}, false, 1},
      {{{Verdict::ok}, {Verdict::no_such_user, true}}, false, 1},
      {{{Verdict::ok, true}}, false, 0},
      {{{Verdict::bad_credentials, true}}, false, 0},
      {{{Verdict::disabled, true}}, false, 0},
      {{{Verdict::try_later, true}}, false, 0},
      {{{Verdict::try_later}, {Verdict::ok, true}}, false, 0},
      {{{Verdict::no_such_user}}, false, 0},
      {{{Verdict::disabled}}, false, 0},
  };
  for (const auto& one : cases) {
    uint64_t before = hashes();
    auto made = chain(one.directories, one.accept_unknown);
    (void)ask(*made);
    EXPECT_EQ(hashes() - before, one.expected) << "case " << &one - cases;
  }
}

// A36. A name that exists is checked in a line of its own; but whoever is refused has waited in the last line, too, so
// that the time of a "no" under load does not tell which names exist.
class Lines : public testing::Test {
 protected:
  Lines() {
    config::Auth auth;
    auth.directories = {{"users",
                         config::Directory::Type::fixed,
                         true,
                         "",
                         {{"joe", "{PLAIN}secret", "", "", "", false},
                          {"off", "{PLAIN}secret", "", "", "", true},
                          {"none", "", "", "", "", false}}}};
    shared_ = *load_directories(auth);
    chain_ = make_chain(*shared_, env_);
  }
  std::string ranks(const std::string& user, std::string_view password) {
    Lookup lookup([](LookupResult) {});
    chain_->start(lookup, chain_query(user, password));
    env_.run();
    std::string said;
    for (const Turn& turn : env_.password_turns()) {
      said +=
          std::string(said.empty() ? "" : " ") + std::array{"first", "usual", "last"}[static_cast<size_t>(turn.rank)];
      EXPECT_EQ(turn.client, client_network("192.0.2.77"));
    }
    return said;
  }

  FakeEnv env_;
  std::shared_ptr<const DirectoryShared> shared_;
  std::unique_ptr<Directory> chain_;
};

TEST_F(Lines, A36_EveryNoHasWaitedInTheLastLine) {
  EXPECT_EQ(ranks("nobody", "guess"), "usual last");
  EXPECT_EQ(ranks("joe", "guess"), "usual last");
  EXPECT_EQ(ranks("off", "secret"), "usual last");
  EXPECT_EQ(ranks("none", "secret"), "usual last");
}

TEST_F(Lines, A36_AKnownUserIsNotBehindGuesses) {
  EXPECT_EQ(ranks("joe", "secret"), "usual");
  EXPECT_EQ(ranks("joe", "secret"), "first");
  EXPECT_EQ(ranks("joe", "guess"), "usual last");
  EXPECT_EQ(ranks("joe", "another guess"), "usual last") << "his name is guessed at";
  EXPECT_EQ(ranks("joe", "secret"), "first") << "but he himself comes first";
}

TEST_F(ChainTest, NoRoomForTheHashIsTryLater) {
  auto made = chain({{Verdict::no_such_user, true}});
  env_.set_capacity(Env::Pool::password, 0);
  auto result = ask(*made);
  EXPECT_EQ(result.verdict, Verdict::try_later);
  EXPECT_EQ(result.detail, "the queue is full");
}

TEST_F(ChainTest, ADestroyedLookupHearsNothingAtAnyPoint) {
  for (int turns = 0; turns < 6; ++turns) {
    auto made = chain({{Verdict::no_such_user, true}, {Verdict::no_such_user, true}});
    Outcome outcome;
    auto lookup = std::make_unique<Lookup>([&](LookupResult) { ++outcome.answers; });
    made->start(*lookup, chain_query("joe"));
    for (int i = 0; i < turns && outcome.answers == 0; ++i) env_.turn();
    int before = outcome.answers;
    lookup.reset();
    env_.run();
    EXPECT_EQ(outcome.answers, before);
    EXPECT_TRUE(env_.idle());
  }
}

TEST_F(ChainTest, TheLookupMayDieInsideItsAnswer) {
  for (const std::vector<Answers>& setup : {std::vector<Answers>{},
                                            {{Verdict::ok}},
                                            {{Verdict::no_such_user, true}},
                                            {{Verdict::disabled}, {Verdict::ok, true}}}) {
    auto made = chain(setup);
    std::unique_ptr<Lookup> lookup;
    int answers = 0;
    lookup = std::make_unique<Lookup>([&](LookupResult) {
      ++answers;
      lookup.reset();
    });
    made->start(*lookup, chain_query("joe"));
    env_.run();
    EXPECT_EQ(answers, 1);
  }
}

// A reload does that.
TEST_F(ChainTest, TheChainMayGoWhileQuestionsArePending) {
  auto made = chain({{Verdict::no_such_user, true}, {Verdict::no_such_user}});
  int answers = 0;
  Lookup lookup([&](LookupResult) { ++answers; });
  made->start(lookup, chain_query("joe"));
  made.reset();
  env_.run();
  EXPECT_EQ(answers, 1);
}

TEST_F(ChainTest, StartingALookupAgainDetachesTheFirst) {
  auto made = chain({{Verdict::ok}});
  std::vector<std::string> users;
  Lookup lookup([&](LookupResult result) { users.push_back(result.identity.user); });
  made->start(lookup, chain_query("first"));
  made->start(lookup, chain_query("second"));
  env_.run();
  EXPECT_EQ(users, std::vector<std::string>{"second"});
}

TEST(Factory, MakesWhatTheConfigurationSays) {
  config::Auth auth;
  config::Directory routes{"routes", config::Directory::Type::fixed, false, "", {{"ann", "", "vip", "", "", false}}};
  config::Directory users{
      "users", config::Directory::Type::fixed, true, "", {{"joe", "{PLAIN}secret", "", "", "", false}}};
  auth.directories = {routes, users};
  auto shared = load_directories(auth);
  ASSERT_TRUE(shared);
  EXPECT_EQ((*shared)->decoy(), "{PLAIN}secret") << "as costly as the real ones";
  FakeEnv env;
  auto chain = make_chain(**shared, env);
  std::vector<LookupResult> results;
  const uint64_t before = password_checks();
  for (const char* name : {"ann", "joe", "eve"}) {
    Lookup lookup([&](LookupResult result) { results.push_back(std::move(result)); });
    chain->start(lookup, chain_query(name));
    env.run();
  }
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].identity.pool, "vip");
  EXPECT_FALSE(results[0].identity.verified);
  EXPECT_TRUE(results[1].identity.verified);
  EXPECT_EQ(results[2].verdict, Verdict::no_such_user);
  EXPECT_EQ(password_checks() - before, 3u);
}

TEST(Factory, SaysWhichDirectoryCannotBeUsed) {
  config::Auth auth;
  auth.directories = {{"people", config::Directory::Type::sqlite, true, "/nonexistent/users.db", {}}};
  auto missing = load_directories(auth);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "directory people: cannot open database /nonexistent/users.db: No such file or directory");
  auth.directories = {{"people", config::Directory::Type::fixed, true, "", {{"joe", "secret", "", "", "", false}}}};
  auto bad = load_directories(auth);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message.find("directory people: user joe: "), 0u) << bad.error().message;
}

// Connections and caches of a directory go on if its section did not change, whatever happened to its neighbours.
TEST(Factory, WhatDidNotChangeGoesOn) {
  config::Auth auth;
  for (const char* name : {"a", "b"}) {
    config::Directory& tokens = auth.directories.emplace_back();
    tokens.name = name;
    tokens.type = config::Directory::Type::oauth;
    tokens.oauth.issuer = std::string("https://issuer.test/") + name;
  }
  auto before = load_directories(auth).value();
  std::swap(auth.directories[0], auth.directories[1]);
  auth.directories[0].oauth.scopes = {"mail"};
  auto after = load_directories(auth, before.get()).value();
  EXPECT_NE(after->items()[0].source, before->items()[1].source);
  EXPECT_EQ(after->items()[1].source, before->items()[0].source);
}

}  // namespace
}  // namespace postigo
