// What opens which backend: the client's own token, our certificate, a password, or nothing.
#include "proxy/session/keys.h"

#include <gtest/gtest.h>

#include "backends/directory.h"

namespace postigo {
namespace {

config::Backend backend(const std::string& mechanism, bool tokens = false) {
  config::Backend made;
  made.mechanism = mechanism;
  made.forward_tokens = tokens;
  return made;
}

Keys with_password(bool master) {
  Keys keys;
  keys.user = "ann";
  keys.login.authcid = "ann*master";
  keys.login.password = Secret("secret");
  keys.login.master = master;
  keys.login.facts.session_id = "s1";
  return keys;
}

TEST(Keys, APasswordOpensWhatNothingElseDoes) {
  const Keys keys = with_password(true);
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256", "AUTO", "EXTERNAL"}) {
    const config::Backend there = backend(mechanism, true);
    EXPECT_TRUE(keys.fit(there) && keys.ours(there)) << mechanism;
    const BackLogin login = keys.at(there);
    EXPECT_EQ(login.key, DoorKey::password);
    EXPECT_EQ(login.authcid, "ann*master");
    EXPECT_TRUE(login.password.equals("secret"));
  }
  EXPECT_FALSE(with_password(false).ours(backend("PLAIN")));
  EXPECT_FALSE(Keys().fit(backend("PLAIN", true))) << "there is nothing";
}

TEST(Keys, ATokenGoesOnWhereItIsTaken) {
  Keys keys = with_password(true);
  keys.token = Secret("to.ken");
  const BackLogin login = keys.at(backend("EXTERNAL", true));
  EXPECT_EQ(login.key, DoorKey::token);
  EXPECT_EQ(login.authcid, "ann");
  EXPECT_EQ(login.authzid, "");
  EXPECT_TRUE(login.password.equals("to.ken"));
  EXPECT_EQ(login.facts.session_id, "s1");
  EXPECT_FALSE(login.master || keys.ours(backend("PLAIN", true))) << "a refusal is about his token";
  EXPECT_EQ(keys.at(backend("PLAIN")).key, DoorKey::password);
  EXPECT_TRUE(keys.ours(backend("PLAIN")));
  keys.login.password.clear();
  EXPECT_TRUE(keys.fit(backend("PLAIN", true)));
  EXPECT_FALSE(keys.fit(backend("PLAIN"))) << "it is never said as a password";
}

TEST(Keys, OurCertificateSpeaksForWhomWeKnow) {
  Keys keys = with_password(false);
  EXPECT_EQ(keys.at(backend("EXTERNAL")).key, DoorKey::password) << "nobody has verified him";
  EXPECT_FALSE(keys.ours(backend("EXTERNAL")));
  keys.verified = true;
  const BackLogin login = keys.at(backend("EXTERNAL"));
  EXPECT_EQ(login.key, DoorKey::certificate);
  EXPECT_EQ(login.authzid, "ann");
  EXPECT_TRUE(login.password.empty());
  EXPECT_TRUE(login.master && keys.ours(backend("EXTERNAL")));
  keys.login.password.clear();
  EXPECT_TRUE(keys.fit(backend("EXTERNAL")));
  EXPECT_FALSE(keys.fit(backend("AUTO")));
}

// Whatever else may open doors there, a token is never said where passwords are (it would be a password in a log).
TEST(Keys, ATokenIsNoPassword) {
  Identity identity;
  identity.user = "ann";
  Credentials credentials;
  credentials.password = Secret("to.ken");
  credentials.proof = Proof::token;
  for (bool verified : {false, true}) {
    identity.verified = verified;
    const Keys keys = keys_of({}, identity, credentials, "");
    EXPECT_FALSE(keys.fit(backend("PLAIN"))) << verified;
    EXPECT_TRUE(keys.fit(backend("PLAIN", true)));
    EXPECT_FALSE(keys_of({}, identity, credentials, "web").fit(backend("PLAIN", true))) << "it is web's";
  }
  credentials.proof = Proof::password;
  EXPECT_TRUE(keys_of({}, identity, credentials, "").at(backend("PLAIN", true)).password.equals("to.ken"));
}

TEST(Keys, WhoActsAsAnotherIsTheOneWhoLogsIn) {
  Identity identity;
  identity.user = "ann";
  Credentials credentials;
  credentials.password = Secret("secret");
  const BackLogin login = keys_of({}, identity, credentials, "web").at(backend("PLAIN"));
  EXPECT_EQ(login.authcid + " " + login.authzid, "web ann");
  EXPECT_FALSE(login.master);
}

}  // namespace
}  // namespace postigo
