// The contract of directory.h: the same cases over every driver that keeps entries. A program that includes this says
// which (INSTANTIATE_TEST_SUITE_P). Not here: how a driver comes to its entries.
#pragma once

#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/directory/entry.h"
#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "tests/fakes/fake_env.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

std::string hashed(const std::string& phrase) {
  crypt_data data{};
  return std::string("{SHA256-CRYPT}") + crypt_r(phrase.c_str(), "$5$rounds=1000$saltsalt$", &data);
}

std::vector<Entry> entries() {
  return {
      {{"joe@example.com", hashed("secret"), "main", "a", "", false}},
      {{"ann@example.com", hashed("other"), "", "", "ann-at-home", false}},
      {{"off@example.com", hashed("secret"), "", "", "", true}},
      {{"nopass@example.com", "", "", "", "", false}},
      {{"local", hashed("secret"), "", "", "", false}},
      {{"gr\xc3\xbc\xc3\x9f@example.com", hashed("secret"), "", "", "", false}},
      {{std::string(512, 'x'), hashed("secret"), "", "", "", false}},
      {{"%u", hashed("percent"), "", "", "", false}},
      {{"joe@closed.example", hashed("secret"), "", "", "", false}},
      {{"@example.com", "", "pool-of-domain", "", "", false}},
      {{"@closed.example", "", "", "", "", true}},
  };
}

// Makes a source for the driver from entries, and keeps what it needs.
struct Driver {
  const char* name;
  Result<SharedSource> (*load)(const std::vector<Entry>& users, bool check_password, const Temporary& place);
  bool has_lookup_job;
  bool keeps_octets = true;  // a name that is not UTF-8 may still be of a domain that is known
  bool has_sample = true;    // it may look at its users' hashes for a decoy
};

class Contract : public testing::TestWithParam<Driver> {
 protected:
  std::unique_ptr<Directory> directory(bool check_password) {
    auto source = GetParam().load(entries(), check_password, place_);
    if (!source) throw std::runtime_error(source.error().message);
    return (*source)->make(env_);
  }
  static Query query(const std::string& user, std::string_view password) {
    Query made;
    made.user = user;
    made.password = Secret(password);
    made.mechanism = "PLAIN";
    made.protocol = "imap";
    return made;
  }
  LookupResult ask(Directory& directory, const std::string& user, std::string_view password = "secret") {
    std::optional<LookupResult> answer;
    int answers = 0;
    Lookup lookup([&](LookupResult result) {
      answer = std::move(result);
      ++answers;
    });
    directory.start(lookup, query(user, password));
    EXPECT_EQ(answers, 0) << "an answer from inside start()";
    env_.run();
    EXPECT_EQ(answers, 1);
    EXPECT_TRUE(env_.idle());
    return answer.value_or(LookupResult());
  }
  LookupResult place(Directory& directory, const std::string& user) {
    Query made = query(user, "");
    made.want = Want::placement;
    LookupResult answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    directory.start(lookup, made);
    env_.run();
    return answer;
  }
  uint64_t hashes() const { return password_checks() - before_; }

  Temporary place_;
  FakeEnv env_;
  uint64_t before_ = password_checks();
};

// Where mail belongs, for whoever is known: also who has no password, or may not log in now.
TEST_P(Contract, APlaceIsToldWithoutAPassword) {
  auto users = directory(true);
  LookupResult joe = place(*users, "joe@example.com");
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_EQ(joe.identity.pool + "/" + joe.identity.shard, "main/a");
  EXPECT_FALSE(joe.identity.verified);
  EXPECT_EQ(place(*users, "ann@example.com").identity.pool, "pool-of-domain");
  EXPECT_EQ(place(*users, "off@example.com").verdict, Verdict::ok);
  EXPECT_EQ(place(*users, "nopass@example.com").verdict, Verdict::ok);
  for (const char* name : {"nobody@example.org", "@example.com", "new@example.com"}) {
    EXPECT_EQ(place(*users, name).verdict, Verdict::no_such_user) << name;
  }
  EXPECT_EQ(hashes(), 0u);
}

TEST_P(Contract, APlaceIsToldOfADomainToo) {
  auto users = directory(false);
  EXPECT_EQ(place(*users, "new@example.com").identity.pool, "pool-of-domain");
  EXPECT_EQ(place(*users, "off@example.com").verdict, Verdict::ok);
  EXPECT_EQ(place(*users, "nobody@example.org").verdict, Verdict::no_such_user);
}

TEST_P(Contract, TheRightPasswordIsVerified) {
  auto users = directory(true);
  auto result = ask(*users, "joe@example.com");
  EXPECT_EQ(result.verdict, Verdict::ok);
  EXPECT_TRUE(result.identity.verified);
  EXPECT_EQ(result.identity.user, "joe@example.com");
  EXPECT_EQ(result.identity.pool, "main");
  EXPECT_EQ(result.identity.shard, "a");
  EXPECT_EQ(result.identity.backend_user, "");
}

TEST_P(Contract, BackendUserAndTheDomainsPlacement) {
  auto users = directory(true);
  auto result = ask(*users, "ann@example.com", "other");
  EXPECT_EQ(result.identity.user, "ann@example.com");
  EXPECT_EQ(result.identity.backend_user, "ann-at-home");
  EXPECT_EQ(result.identity.pool, "pool-of-domain");
}

TEST_P(Contract, WrongPasswords) {
  auto users = directory(true);
  for (const std::string& wrong : {std::string(), std::string("Secret"), std::string("secret "),
                                   std::string("secret\0", 7), std::string(4096, 's'), hashed("secret")}) {
    auto result = ask(*users, "joe@example.com", wrong);
    EXPECT_EQ(result.verdict, Verdict::bad_credentials);
    EXPECT_TRUE(result.identity.user.empty());
    EXPECT_FALSE(result.identity.verified);
  }
}

TEST_P(Contract, DisabledIsToldOnlyToTheRightPassword) {
  auto users = directory(true);
  EXPECT_EQ(ask(*users, "off@example.com").verdict, Verdict::disabled);
  EXPECT_EQ(ask(*users, "off@example.com", "wrong").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(*users, "joe@closed.example").verdict, Verdict::disabled) << "with its domain";
}

TEST_P(Contract, AnEntryWithoutPasswordCannotLogInWhereWeCheck) {
  auto users = directory(true);
  for (const char* password : {"", "secret", "*"}) {
    EXPECT_EQ(ask(*users, "nopass@example.com", password).verdict, Verdict::bad_credentials);
  }
}

TEST_P(Contract, ADomainVouchesForNobodyWhereWeCheck) {
  EXPECT_EQ(ask(*directory(true), "eve@example.com").verdict, Verdict::no_such_user);
}

TEST_P(Contract, UnknownUsers) {
  for (bool check : {true, false}) {
    Temporary place;
    auto source = GetParam().load(entries(), check, place);
    auto users = (*source)->make(env_);
    for (const std::string& name :
         {std::string("eve@other.org"), std::string("nobody"), std::string(), std::string("@"), std::string("LOCAL"),
          std::string("local\0", 6), std::string("\xff\xfe\x80")}) {
      EXPECT_EQ(ask(*users, name).verdict, Verdict::no_such_user) << name;
    }
  }
}

// Such a name is nobody's; but its domain may place it.
TEST_P(Contract, NamesThatAreNotUtf8AreUnknown) {
  for (const char* name : {"j\xf6rg", "\x83\x65\x83", "\xc0\xaf", "j\xf6rg@example.com"}) {
    EXPECT_EQ(ask(*directory(true), name).verdict, Verdict::no_such_user) << name;
    place_.clear();
  }
  EXPECT_EQ(ask(*directory(false), "j\xf6rg").verdict, Verdict::no_such_user);
  place_.clear();
  if (!GetParam().keeps_octets) return;
  auto placed = ask(*directory(false), "j\xf6rg@example.com");
  EXPECT_EQ(placed.verdict, Verdict::ok);
  EXPECT_EQ(placed.identity.pool, "pool-of-domain");
}

// A22: the chain adds the hash for no_such_user; see chain_test.cc.
TEST_P(Contract, OneHashForEveryAnswerButNoSuchUser) {
  auto users = directory(true);
  for (const char* user : {"joe@example.com", "ann@example.com", "off@example.com", "nopass@example.com"}) {
    uint64_t before = hashes();
    (void)ask(*users, user);
    EXPECT_EQ(hashes() - before, 1u) << user;
  }
  uint64_t before = hashes();
  (void)ask(*users, "eve@other.org");
  EXPECT_EQ(hashes(), before);
}

TEST_P(Contract, WithoutCheckingTheIdentityIsForRoutingOnly) {
  auto users = directory(false);
  auto known = ask(*users, "joe@example.com", "whatever");
  EXPECT_EQ(known.verdict, Verdict::ok);
  EXPECT_FALSE(known.identity.verified);
  EXPECT_EQ(known.identity.shard, "a");
  auto of_domain = ask(*users, "eve@example.com");
  EXPECT_EQ(of_domain.verdict, Verdict::ok);
  EXPECT_EQ(of_domain.identity.user, "eve@example.com");
  EXPECT_EQ(of_domain.identity.pool, "pool-of-domain");
  EXPECT_EQ(ask(*users, "nopass@example.com").verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "off@example.com").verdict, Verdict::disabled);
  EXPECT_EQ(ask(*users, "eve@closed.example").verdict, Verdict::disabled);
  EXPECT_EQ(hashes(), 0u);
}

TEST_P(Contract, NobodyLogsInAsADomain) {
  for (bool check : {true, false}) {
    Temporary place;
    auto source = GetParam().load({{{"@example.com", "", "", "", "", false}}}, check, place);
    EXPECT_EQ(ask(*(*source)->make(env_), "@example.com").verdict, Verdict::no_such_user);
  }
}

// A5, A6: a name is a value, never a piece of a statement or of a template.
TEST_P(Contract, HostileNamesAreOnlyNames) {
  auto users = directory(true);
  std::string expansion;
  while (expansion.size() < 4096) expansion += "%u";
  for (const std::string& name :
       {std::string("' OR 1=1"), std::string("' OR 1=1 --"), std::string("joe@example.com' --"), std::string("%"),
        std::string("_oe@example.com"), std::string("*)(uid=*"), std::string("*"), std::string("%{pass}"), expansion,
        std::string("joe@example.com\0", 16), std::string("\xc0\xaf"), std::string("x'; DROP TABLE users; --"),
        std::string(511, 'x'), std::string(513, 'x'), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(ask(*users, name).verdict, Verdict::no_such_user) << name.substr(0, 80);
  }
  EXPECT_EQ(ask(*users, "%u", "percent").verdict, Verdict::ok) << "it is somebody's name";
  EXPECT_EQ(ask(*users, "joe@example.com").verdict, Verdict::ok) << "and nobody is gone";
}

TEST_P(Contract, LongAndUtf8NamesAreFound) {
  auto users = directory(true);
  EXPECT_EQ(ask(*users, std::string(512, 'x')).verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "gr\xc3\xbc\xc3\x9f@example.com").verdict, Verdict::ok);
  EXPECT_EQ(ask(*users, "local").verdict, Verdict::ok);
}

TEST_P(Contract, FullQueuesAreTryLater) {
  auto users = directory(true);
  env_.set_capacity(Env::Pool::password, 0);
  auto result = ask(*users, "joe@example.com");
  EXPECT_EQ(result.verdict, Verdict::try_later);
  EXPECT_EQ(result.detail, "the queue is full");
  env_.set_capacity(Env::Pool::lookup, 0);
  if (GetParam().has_lookup_job) {
    EXPECT_EQ(ask(*users, "joe@example.com").verdict, Verdict::try_later);
  }
}

TEST_P(Contract, ALateAnswerAfterCancelIsDropped) {
  auto users = directory(true);
  for (const char* user : {"joe@example.com", "eve@other.org", "off@example.com"}) {
    for (int turns = 0; turns < 3; ++turns) {
      int answers = 0;
      auto lookup = std::make_unique<Lookup>([&](LookupResult) { ++answers; });
      users->start(*lookup, query(user, "secret"));
      for (int i = 0; i < turns; ++i) env_.turn();
      env_.do_work();  // a thread is done with it, the loop has not heard
      int before = answers;
      lookup.reset();
      env_.run();
      EXPECT_EQ(answers, before);
      EXPECT_TRUE(env_.idle());
    }
  }
}

TEST_P(Contract, TheLookupMayDieInsideItsAnswer) {
  auto users = directory(true);
  for (const char* user : {"joe@example.com", "eve@other.org"}) {
    int answers = 0;
    std::unique_ptr<Lookup> lookup;
    lookup = std::make_unique<Lookup>([&](LookupResult) {
      ++answers;
      lookup.reset();
    });
    users->start(*lookup, query(user, "secret"));
    env_.run();
    EXPECT_EQ(answers, 1);
  }
}

TEST_P(Contract, ManyLookupsInterleave) {
  auto users = directory(true);
  std::vector<std::unique_ptr<Lookup>> lookups;
  int ok = 0, refused = 0;
  for (int i = 0; i < 100; ++i) {
    lookups.push_back(
        std::make_unique<Lookup>([&](LookupResult result) { ++(result.verdict == Verdict::ok ? ok : refused); }));
    users->start(*lookups.back(), query("joe@example.com", i % 2 ? "secret" : "wrong"));
    if (i % 5 == 0) lookups[static_cast<size_t>(i)].reset();
  }
  env_.run();
  EXPECT_EQ(ok, 40);
  EXPECT_EQ(refused, 40);
}

TEST_P(Contract, TheDirectoryKeepsItsSourceAlive) {
  std::unique_ptr<Directory> users;
  {
    auto source = GetParam().load(entries(), true, place_);
    users = (*source)->make(env_);
  }
  EXPECT_EQ(users->name(), "users");
  EXPECT_EQ(ask(*users, "joe@example.com").verdict, Verdict::ok);
}

TEST_P(Contract, ADirectoryMayGoWhileQuestionsArePending) {
  for (const char* user : {"joe@example.com", "eve@other.org"}) {
    for (int turns = 0; turns < 3; ++turns) {
      Temporary place;
      auto users = (*GetParam().load(entries(), true, place))->make(env_);
      int answers = 0;
      Lookup lookup([&](LookupResult) { ++answers; });
      users->start(lookup, query(user, "secret"));
      for (int i = 0; i < turns; ++i) env_.turn();
      users.reset();
      env_.run();
      EXPECT_EQ(answers, 1);
    }
  }
}

TEST_P(Contract, TheDecoyIsLikeTheUsersOwn) {
  auto source = GetParam().load(entries(), true, place_);
  if (!GetParam().has_sample) {
    EXPECT_EQ((*source)->decoy(), default_decoy());
    return;
  }
  EXPECT_TRUE((*source)->decoy().starts_with("{SHA256-CRYPT}$5$rounds=1000$"));
  Temporary elsewhere;
  auto empty = GetParam().load({}, true, elsewhere);
  EXPECT_EQ((*empty)->decoy(), default_decoy());
}

// A33: whatever the outcome, the log line that is made of it shows neither password nor hash.
TEST_P(Contract, DetailsHoldNoSecret) {
  auto users = directory(true);
  for (const char* user : {"joe@example.com", "off@example.com", "nopass@example.com", "eve@other.org"}) {
    EXPECT_EQ(ask(*users, user, "canary").detail.find("canary"), std::string::npos);
  }
}

}  // namespace
}  // namespace postigo
