// What a session tells others of a login: directories that are curious, and the backend that it is for.
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

class SessionBackendLogin : public HostTest {
 protected:
  SessionBackendLogin() {
    config.live.auth.backend_login.mode = config::BackendLogin::Mode::master_authzid;
    config.live.auth.backend_login.master_user = "master";
    config.live.auth.backend_login.master_password = Secret("masters");
    open();
    host->directory().answer.verdict = Verdict::ok;
    host->directory().answer.identity.user = "alice";
  }
  // From now on one of the directories asks how clients come.
  void be_curious() {
    config::Directory directory;
    directory.name = "people";
    directory.type = config::Directory::Type::http;
    directory.http.url = "http://127.0.0.1:1/";
    config.live.auth.directories = {directory};
    config::Problems problems;
    auto made = Snapshot::make(config, lasting, problems);
    ASSERT_NE(made, nullptr) << to_string(problems.at(0));
    ASSERT_TRUE(made->open_directories(problems));
    host->exchange(made);
  }
  std::string told_for(const char* user = "alice") {
    auto [session, client] = connected();
    client.say(std::string("a LOGIN ") + user + " secret\r\n");
    return plain_at_backend(client, *session);
  }
};

TEST_F(SessionBackendLogin, AVerifiedUsersOwnKeyOpensHisMailboxAndNoOther) {
  Identity& identity = host->directory().answer.identity;
  identity.verified = true;
  EXPECT_EQ(told_for(), "alice|master|masters");
  identity.backend_password = Secret("own-key");
  EXPECT_EQ(told_for(), "|alice|own-key");
  identity.backend_user = "alice2";
  EXPECT_EQ(told_for(), "|alice2|own-key");
  identity.backend_password = {};
  EXPECT_EQ(told_for(), "alice2|master|masters");
}

TEST_F(SessionBackendLogin, WhomTheBackendChecksHasHisOwnPasswordOnly) {
  Identity& identity = host->directory().answer.identity;
  identity.backend_password = Secret("own-key");
  EXPECT_EQ(told_for(), "|alice|secret") << "else anybody would come in as him";
  identity.backend_user = "alice2";
  EXPECT_EQ(told_for(), "|alice2|secret");
}

TEST_F(SessionBackendLogin, NobodyCollectsWhatNobodyAsksFor) {
  told_for();
  EXPECT_THAT(host->directory().circumstances, testing::ElementsAre(nullptr));
}

TEST_F(SessionBackendLogin, CuriousDirectoriesHearHowHeCame) {
  be_curious();
  host->directory().answer.verdict = Verdict::bad_credentials;
  auto [session, client] = connected();
  for (int i = 0; i < 2; ++i) {
    client.say("a LOGIN alice secret\r\n");
    hears(client, "a NO");
  }
  const auto& all = host->directory().circumstances;
  ASSERT_EQ(all.size(), 2U);
  ASSERT_TRUE(all[0] != nullptr && all[1] != nullptr);
  EXPECT_EQ(all[0]->listener, "imap");
  EXPECT_EQ(all[0]->session_id, "0000000000000001");
  EXPECT_EQ(all[0]->client_port, 4711);
  EXPECT_FALSE(all[0]->tls);
  EXPECT_EQ(all[0]->tls_protocol + all[0]->tls_cipher, "");
  EXPECT_EQ(all[0]->attempt, 1U);
  EXPECT_EQ(all[1]->attempt, 2U);
}

}  // namespace
}  // namespace postigo
