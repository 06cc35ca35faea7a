// What becomes of look-ups while a real database is away, hangs, is slow, or is somebody else: never a wrong verdict.
#include <gmock/gmock.h>

#include <chrono>
#include <vector>

#include "tests/fakes/thread_env.h"
#include "tests/unit/databases/asking.h"

namespace postigo::databases {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;

class Servers : public Asking {
 protected:
  static constexpr const char* kQuery = "SELECT secret AS password FROM people WHERE name = %u";

  void SetUp() override {
    database().run("DROP TABLE IF EXISTS people");
    database().run("CREATE TABLE people (name VARCHAR(100), secret VARCHAR(100))");
    database().run("INSERT INTO people VALUES ('joe', '{PLAIN}secret')");
  }
  config::Directory directory() const { return database().directory(kQuery); }
  std::string nowhere() const { return "127.0.0.1:" + std::to_string(port_of_nobody_); }
  void expect_away() {
    LookupResult away = ask("joe");
    EXPECT_EQ(away.verdict, Verdict::try_later);
    EXPECT_THAT(away.detail, StartsWith("directory users: "));
    EXPECT_THAT(away.detail, Not(HasSubstr(kPassword)));
    EXPECT_THAT(away.detail, Not(HasSubstr("\n")));
    EXPECT_EQ(ask("eve").verdict, Verdict::try_later) << "nobody is unknown now";
    EXPECT_EQ(ask("joe", "wrong").verdict, Verdict::try_later);
  }
  void expect_back() {
    EXPECT_EQ(ask("joe").verdict, Verdict::ok);
    EXPECT_EQ(ask("joe", "wrong").verdict, Verdict::bad_credentials);
    EXPECT_EQ(ask("eve").verdict, Verdict::no_such_user);
  }

  const int port_of_nobody_ = free_port();
};

TEST_P(Servers, UnreachableWhenLoadedIsAWarning) {
  config::Directory away = directory();
  away.servers = {nowhere()};
  open(away);
  EXPECT_THAT(source_->warning(), StartsWith("directory users: " + nowhere() + ": "));
  expect_away();
}

TEST_P(Servers, AServerThatIsKilledIsTryLaterUntilItIsBack) {
  open(directory());
  EXPECT_EQ(source_->warning(), "");
  expect_back();
  database().kill();
  expect_away();
  database().start();
  expect_back();
}

TEST_P(Servers, AConnectionThatEndedIsRenewedSilently) {
  open(directory());
  for (int i = 0; i < 3; ++i) {
    expect_back();
    database().end_connections();
  }
  expect_back();
}

TEST_P(Servers, OneThatHangsIsWaitedForOnceAndNotForEver) {
  config::Directory impatient = directory();
  impatient.timeout_ms = 500;
  open(impatient);
  expect_back();
  database().stop();
  const auto begun = Clock::now();
  expect_away();
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(30));
  database().go_on();
  expect_back();
}

TEST_P(Servers, TheNextOneIsAsked) {
  config::Directory two = directory();
  two.servers = {nowhere(), two.servers[0], database().socket};
  open(two);
  EXPECT_THAT(source_->warning(), HasSubstr(nowhere())) << "one of them serves, but the operator may want to know";
  expect_back();
  two.servers = {nowhere(), database().socket};
  open(two);
  expect_back();
}

TEST_P(Servers, ASlowAnswerIsEndedAndTheConnectionIsGood) {
  config::Directory slow =
      database().directory(std::string("SELECT secret AS password, ") + (is_postgresql() ? "pg_sleep" : "sleep") +
                           "(CASE WHEN name = 'joe' THEN 20 ELSE 0 END) AS slept FROM people WHERE name = %u");
  slow.timeout_ms = 1000;
  database().run("INSERT INTO people VALUES ('ann', '{PLAIN}secret')");
  open(slow);
  const auto begun = Clock::now();
  LookupResult joe = ask("joe");
  EXPECT_NE(joe.verdict, Verdict::no_such_user);
  EXPECT_NE(joe.verdict, Verdict::bad_credentials);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(15));
  EXPECT_EQ(ask("ann").verdict, Verdict::ok);
}

// Four threads and four connections, which end again and again meanwhile: nobody hears what is not so, and all is well
// afterwards.
TEST_P(Servers, ManyAskAtOnceWhileConnectionsEnd) {
  fakes::ThreadEnv env(4);
  auto source = database().load(directory());
  ASSERT_TRUE(source) << source.error().message;
  auto users = (*source)->make(env);
  constexpr int kMany = 200;
  int answers = 0, wrong = 0;
  auto lookup = [&](Verdict right) {
    return std::make_unique<Lookup>([&, right](LookupResult result) {
      ++answers;
      wrong += result.verdict != right && result.verdict != Verdict::try_later;
    });
  };
  std::vector<std::unique_ptr<Lookup>> lookups;
  for (int i = 0; i < kMany; ++i) {
    const bool known = i % 2 == 0;
    lookups.push_back(lookup(known ? Verdict::ok : Verdict::no_such_user));
    Query query;
    query.user = known ? "joe" : "eve";
    query.password = Secret("secret");
    users->start(*lookups.back(), query);
    if (i % 50 == 25) database().end_connections();
  }
  env.run_until([&] { return answers == kMany; });
  EXPECT_EQ(wrong, 0);
  users_ = (*source)->make(env_);
  expect_back();
}

TEST_P(Servers, AWrongPasswordOfOursIsToldWithoutIt) {
  config::Directory wrong = directory();
  wrong.password = config::KeptSecret(Secret("canary-wrong-password"));
  open(wrong);
  EXPECT_THAT(source_->warning(), HasSubstr("postigo"));
  EXPECT_THAT(source_->warning(), Not(HasSubstr("canary")));
  EXPECT_EQ(ask("joe").verdict, Verdict::try_later);
}

TEST_P(Servers, TlsIsVerifiedNameIncluded) {
  config::Directory tls = directory();
  const std::string by_name = "localhost:" + std::to_string(database().port);
  tls.tls = config::Directory::Tls::on;
  tls.servers = {by_name};
  tls.tls_ca = database().authorities;
  open(tls);
  EXPECT_EQ(source_->warning(), "");
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  tls.servers = database().directory(kQuery).servers;  // an address, which the certificate does not have
  open(tls);
  EXPECT_NE(source_->warning(), "");
  EXPECT_EQ(ask("joe").verdict, Verdict::try_later);
  tls.servers = {by_name};
  tls.tls_ca = "";
  open(tls);
  EXPECT_NE(source_->warning(), "") << "nobody whom the system trusts has signed it";
  EXPECT_EQ(ask("joe").verdict, Verdict::try_later);
  tls.tls_verify = false;
  open(tls);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
}

TEST_P(Servers, OnlyTlsWhereItIsAskedFor) {
  config::Directory tls = directory();
  tls.tls = config::Directory::Tls::on;
  tls.tls_verify = false;
  tls.sql.query =
      is_postgresql()
          ? "SELECT secret AS password FROM people WHERE name = %u AND EXISTS"
            " (SELECT * FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)"
          : "SELECT secret AS password FROM people WHERE name = %u AND EXISTS (SELECT * FROM"
            " information_schema.session_status WHERE variable_name = 'Ssl_cipher' AND variable_value <> '')";
  open(tls);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  tls.tls = config::Directory::Tls::off;
  open(tls);
  EXPECT_EQ(ask("joe").verdict, Verdict::no_such_user);
}

INSTANTIATE_TEST_SUITE_P(Databases, Servers, testing::Values(&postgresql, &mariadb), database_name);

}  // namespace
}  // namespace postigo::databases
