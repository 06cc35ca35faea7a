// Who may come in from where, how and when; and that nobody learns why not without the right password.
#include "backends/directory/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/directory/factory.h"
#include "backends/directory/password.h"
#include "tests/fakes/fake_env.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

constexpr int64_t kNow = 1'700'000'001;  // of FakeEnv

Query query_from(const std::string& address, std::string_view protocol = "imap",
                 const std::string& listener = "imaps") {
  Query query;
  query.user = "joe@example.com";
  query.password = Secret("secret");
  query.client_ip = address;
  query.protocol = protocol;
  query.listener = listener;
  return query;
}

TEST(Conditions, FromWhere) {
  const config::Conditions ours{{"10.0.0.0/8", "2001:db8::/32"}, {}, {}};
  EXPECT_FALSE(unmet(ours, query_from("10.1.2.3"), kNow));
  EXPECT_FALSE(unmet(ours, query_from("2001:db8::1"), kNow));
  EXPECT_EQ(unmet(ours, query_from("192.0.2.1"), kNow), Barred::not_here);
  EXPECT_EQ(unmet(ours, query_from(""), kNow), Barred::not_here) << "nobody knows from where";
  EXPECT_FALSE(unmet({}, query_from(""), kNow));
}

TEST(Conditions, ByWhichWay) {
  EXPECT_EQ(unmet({{}, {"pop3"}, {}}, query_from("10.1.2.3"), kNow), Barred::not_here);
  EXPECT_FALSE(unmet({{}, {"pop3", "imap"}, {}}, query_from("10.1.2.3"), kNow));
  EXPECT_EQ(unmet({{}, {}, {"inside"}}, query_from("10.1.2.3"), kNow), Barred::not_here);
  EXPECT_FALSE(unmet({{}, {}, {"inside"}}, query_from("10.1.2.3", "imap", "inside"), kNow));
}

TEST(Conditions, When) {
  EXPECT_EQ(unmet({{}, {}, {}, kNow + 1, 0}, query_from("10.1.2.3"), kNow), Barred::not_now);
  EXPECT_FALSE(unmet({{}, {}, {}, kNow, kNow + 1}, query_from("10.1.2.3"), kNow));
  EXPECT_EQ(unmet({{}, {}, {}, 0, kNow}, query_from("10.1.2.3"), kNow), Barred::not_now);
}

Found found(const Entry& user, const std::optional<Entry>& domain = {}) { return {user, domain}; }

TEST(Conditions, OfUserAndDomainTogether) {
  Entry user, domain;
  const Query query = query_from("10.1.2.3");
  EXPECT_FALSE(barred(query, found(user, domain), kNow));
  domain.may.networks = {"192.0.2.0/24"};
  EXPECT_EQ(barred(query, found(user, domain), kNow), Barred::not_here);
  user.disabled_until_s = kNow + 1;
  EXPECT_EQ(barred(query, found(user, domain), kNow), Barred::disabled);
  EXPECT_EQ(barred(query, found(user), kNow + 1), std::nullopt);
  user.moving_until_s = kNow + 10;
  EXPECT_EQ(barred(query, found(user), kNow + 1), Barred::moving);
  EXPECT_EQ(barred(query, found(user, domain), kNow + 1), Barred::not_here) << "he would not get in then either";
}

TEST(Conditions, TheMainPasswordMayBeOfNoUse) {
  Entry user;
  user.main_password = false;
  EXPECT_EQ(barred_with_password(query_from("10.1.2.3"), found(user), kNow), Barred::not_here);
  EXPECT_FALSE(barred(query_from("10.1.2.3"), found(user), kNow)) << "who has proven it by other means";
}

// Whoever looks into a login learns all that bars him, and what it says.
TEST(Conditions, InWords) {
  Entry user, domain;
  EXPECT_EQ(bars_in_words(query_from("10.1.2.3"), found(user), kNow), "");
  user.may = {{"192.0.2.0/24"}, {"pop3"}, {}, 0, 0};
  domain.disabled = true;
  EXPECT_EQ(bars_in_words(query_from("10.1.2.3"), found(user, domain), kNow),
            "networks (192.0.2.0/24), protocols (pop3), his domain's disabled");
  user.may = {};
  user.main_password = false;
  EXPECT_EQ(bars_in_words(query_from("10.1.2.3"), found(user), kNow),
            "main_password (only those for programs let him in)");
  Query query = query_from("10.1.2.3");
  query.want = Want::account;
  EXPECT_EQ(bars_in_words(query, found(user), kNow), "") << "he came without one";
  user = {};
  user.may.valid_until_s = kNow;
  EXPECT_THAT(bars_in_words(query, found(user), kNow), testing::StartsWith("valid_until ("));
}

class ConditionsOfEntries : public testing::Test {
 protected:
  LookupResult ask(const Entry& user, const Query& query, bool check_password = true) {
    config::Auth auth;
    config::Directory directory;
    directory.name = "users";
    directory.check_password = check_password;
    directory.users = {user};
    auth.directories = {directory};
    auto users = make_chain(**load_directories(auth), env_);
    std::optional<LookupResult> answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    users->start(lookup, query);
    env_.run();
    return answer.value_or(LookupResult());
  }
  static Entry joe() {
    Entry user;
    user.name = "joe@example.com";
    user.password = "{PLAIN}secret";
    user.may.networks = {"192.0.2.0/24"};
    return user;
  }
  FakeEnv env_;
};

// A21, A22: to all who have not the right password it is a wrong one, and one hash in any case.
TEST_F(ConditionsOfEntries, A21_OnlyTheRightPasswordIsToldWhy) {
  Query query = query_from("10.1.2.3");
  const uint64_t before = password_checks();
  auto right = ask(joe(), query);
  EXPECT_EQ(right.verdict, Verdict::disabled);
  EXPECT_EQ(right.identity.barred, Barred::not_here);
  EXPECT_TRUE(right.identity.user.empty());
  query.password = Secret("wrong");
  EXPECT_EQ(ask(joe(), query).verdict, Verdict::bad_credentials);
  EXPECT_EQ(password_checks() - before, 2u);
  EXPECT_EQ(ask(joe(), query_from("192.0.2.7")).verdict, Verdict::ok);
}

TEST_F(ConditionsOfEntries, AlsoForWhomIsProvenElsewhere) {
  Query query = query_from("10.1.2.3");
  query.want = Want::account;
  EXPECT_EQ(ask(joe(), query).identity.barred, Barred::not_here);
  query.want = Want::secret;
  query.mechanism = "CRAM-MD5";
  auto secret = ask(joe(), query);
  EXPECT_EQ(secret.verdict, Verdict::ok) << "he has proven nothing yet";
  EXPECT_TRUE(secret.identity.disabled);
  EXPECT_EQ(secret.identity.barred, Barred::not_here);
  EXPECT_TRUE(secret.secret.cleartext.equals("secret"));
  query.want = Want::placement;
  EXPECT_EQ(ask(joe(), query).verdict, Verdict::ok) << "he lives where he lives";
}

TEST_F(ConditionsOfEntries, AlsoWhereTheBackendChecksThePassword) {
  EXPECT_EQ(ask(joe(), query_from("10.1.2.3"), false).identity.barred, Barred::not_here);
  EXPECT_EQ(ask(joe(), query_from("192.0.2.7"), false).verdict, Verdict::ok);
}

TEST_F(ConditionsOfEntries, ClassAndSessionsAreToldAlong) {
  Entry user = joe();
  user.limit_class = "premium";
  user.sessions_max = 7;
  auto result = ask(user, query_from("192.0.2.7"));
  EXPECT_EQ(result.identity.limit_class, "premium");
  EXPECT_EQ(result.identity.sessions_max, 7u);
}

// For those who look into a login: what bars him and where it stands, which his answer does not say.
TEST_F(ConditionsOfEntries, AWitnessSeesWhatTheAnswerIsMadeFrom) {
  struct : Witness {
    void saw(const Found& found) override { networks = found.user ? found.user->may.networks : networks; }
    std::vector<std::string> networks = {"nothing was seen"};
  } witness;
  Query query = query_from("10.1.2.3");
  query.witness = &witness;
  EXPECT_EQ(ask(joe(), query).verdict, Verdict::disabled);
  EXPECT_EQ(witness.networks, std::vector<std::string>{"192.0.2.0/24"});
  query.user = "nobody";
  EXPECT_EQ(ask(joe(), query).verdict, Verdict::no_such_user);
}

}  // namespace
}  // namespace postigo
