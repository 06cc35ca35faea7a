// Want::secret over entries and the chain: who has one of use, and on which thread it is made.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "backends/directory/entry.h"
#include "backends/directory/factory.h"
#include "backends/directory/scram_shapes.h"
#include "tests/fakes/fake_env.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

constexpr const char* kScram =
    "{SCRAM-SHA-256}4096,YB45SCeCp4RWb2H1IBff5w==,xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=,"
    "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ=";
constexpr const char* kHash = "{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z";

config::StaticUser entry(const char* name, const char* password) {
  config::StaticUser made;
  made.name = name;
  made.password = password;
  return made;
}

class Secrets : public testing::Test {
 protected:
  // The first one's password is the decoy.
  std::unique_ptr<Directory> chain(std::vector<config::StaticUser> users) {
    config::Auth auth;
    config::Directory directory;
    directory.name = "users";
    directory.check_password = true;
    directory.users = std::move(users);
    auth.directories = {directory};
    auto shared = load_directories(auth);
    EXPECT_TRUE(shared);
    return make_chain(**shared, env_);
  }
  LookupResult ask(Directory& directory, const std::string& user, const std::string& mechanism) {
    Query query;
    query.user = user;
    query.mechanism = mechanism;
    query.protocol = "imap";
    query.want = Want::secret;
    std::optional<LookupResult> answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    directory.start(lookup, query);
    EXPECT_FALSE(answer) << "an answer from inside start()";
    env_.run();
    return answer.value_or(LookupResult());
  }
  size_t threads() const { return env_.jobs(Env::Pool::password); }

  FakeEnv env_;
};

TEST_F(Secrets, StoredKeysNeedNoThread) {
  auto users = chain({entry("joe", kScram), entry("ann", kHash)});
  auto joe = ask(*users, "joe", "SCRAM-SHA-256");
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_TRUE(joe.identity.verified);
  EXPECT_TRUE(joe.secret.sha256);
  auto ann = ask(*users, "ann", "SCRAM-SHA-256");
  EXPECT_EQ(ann.verdict, Verdict::ok) << "she is known, and has none of use";
  EXPECT_TRUE(ann.secret.empty());
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-256").verdict, Verdict::no_such_user);
  EXPECT_EQ(threads(), 0u);
}

TEST_F(Secrets, A22_KeysAreMadeOnAThreadForWhoeverIsAskedFor) {
  auto users = chain({entry("joe", "{PLAIN}secret"), entry("ann", kHash), entry("bob", "")});
  EXPECT_TRUE(ask(*users, "joe", "SCRAM-SHA-1").secret.sha1);
  EXPECT_EQ(threads(), 1u);
  EXPECT_TRUE(ask(*users, "ann", "SCRAM-SHA-1").secret.empty());
  EXPECT_EQ(threads(), 2u);
  EXPECT_TRUE(ask(*users, "bob", "SCRAM-SHA-1").secret.empty());
  EXPECT_EQ(threads(), 3u);
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-1").verdict, Verdict::no_such_user);
  EXPECT_EQ(threads(), 4u);
  EXPECT_TRUE(ask(*users, "joe", "CRAM-MD5").secret.cleartext.equals("secret"));
  EXPECT_EQ(threads(), 4u) << "nothing is made of it";
}

std::string scram_keys(unsigned iterations, const std::string& salt) {
  ScramKeys keys{iterations, salt, Secret(std::string(32, 'a')), Secret(std::string(32, 'b'))};
  return "{SCRAM-SHA-256}" + write_scram_keys(keys);
}

TEST_F(Secrets, A21_WhoHasNoKeysIsShownSomeAsOthersHaveThem) {
  const ScramShape usual{4096, 16}, ours{15000, 24};
  auto users = chain({entry("joe", scram_keys(15000, std::string(24, 's')).c_str()), entry("ann", kHash)});
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-256").secret.decoy, ours) << "the first look shows it";
  EXPECT_EQ(ask(*users, "ann", "SCRAM-SHA-256-PLUS").secret.decoy, ours);
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-1").secret.decoy, usual) << "nobody has such keys";
  EXPECT_EQ(ask(*users, "eve", "CRAM-MD5").secret.decoy, usual);
  // Whom no sample has shown is learnt when he comes.
  users = chain({entry("ann", kHash), entry("joe", scram_keys(15000, std::string(24, 's')).c_str())});
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-256").secret.decoy, usual);
  ask(*users, "joe", "SCRAM-SHA-256");
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-256").secret.decoy, ours);
}

TEST(ScramShapesTest, OneUserWhoDiffersChangesNothing) {
  ScramShapes shapes;
  const ScramKeys many{10000, std::string(12, 's'), {}, {}}, few{4096, std::string(16, 's'), {}, {}};
  const ScramShape of_many{10000, 12}, of_few{4096, 16};
  shapes.saw(ScramHash::sha1, many);
  for (unsigned i = 0; i < ScramShapes::kOthersMax; ++i) shapes.saw(ScramHash::sha1, few);
  EXPECT_EQ(shapes.of(ScramHash::sha1), of_many);
  shapes.saw(ScramHash::sha1, many);
  shapes.saw(ScramHash::sha1, few);
  EXPECT_EQ(shapes.of(ScramHash::sha1), of_many) << "they are counted from the beginning again";
  for (unsigned i = 0; i < ScramShapes::kOthersMax; ++i) shapes.saw(ScramHash::sha1, few);
  EXPECT_EQ(shapes.of(ScramHash::sha1), of_few) << "most users have them now";
  shapes.saw(ScramHash::sha256, {5000, "", {}, {}});
  EXPECT_EQ(shapes.of(ScramHash::sha256), ScramShape()) << "keys of no use are nobody's";
}

TEST_F(Secrets, NoRoomOnTheThreadsIsTryLater) {
  auto users = chain({entry("joe", "{PLAIN}secret")});
  env_.set_capacity(Env::Pool::password, 0);
  EXPECT_EQ(ask(*users, "joe", "SCRAM-SHA-1").verdict, Verdict::try_later);
  EXPECT_EQ(ask(*users, "eve", "SCRAM-SHA-1").verdict, Verdict::try_later);
  EXPECT_EQ(ask(*users, "joe", "APOP").verdict, Verdict::ok);
}

TEST_F(Secrets, NobodyHearsOfWhatWasCancelled) {
  auto users = chain({entry("joe", "{PLAIN}secret")});
  for (const char* user : {"joe", "eve"}) {
    Query query;
    query.user = user;
    query.mechanism = "SCRAM-SHA-1";
    query.want = Want::secret;
    int answers = 0;
    auto lookup = std::make_unique<Lookup>([&](LookupResult) { ++answers; });
    users->start(*lookup, query);
    env_.do_work();
    lookup.reset();
    env_.run();
    EXPECT_EQ(answers, 0);
  }
}

}  // namespace
}  // namespace postigo
