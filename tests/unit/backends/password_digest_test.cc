// Digests and SCRAM's keys: hashes that `doveadm pw`, OpenLDAP's modules and passlib wrote for "secret", the RFCs'
// vectors, and what must not match.
#include "backends/directory/password_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backends/directory/password.h"
#include "backends/directory/scram_keys.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

using testing::HasSubstr;

const char* const kSecret[] = {
    "{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z",
    "{SSHA256}kmxXYDYUB8HqD5HlzBPw9gXhR6YnOUa1H6ehgknMr2BMMnzU",
    "{SSHA384}BPdC1qPVnOtOWlZBhlNvMSsThLk7gG0moXRB2Ulg+UGkFToChXZ4jNzGfK5Uh3Otc2FsdA==",
    "{SSHA512}JOjtY3TToMKDve+uDwT1IlNmQoGXWgk3LBkFmqCeHg94S3WdmG+cu+/IG9yvSZbPFzQ30QLDgK2LP+z3RCCqTo6TDks=",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{sha1}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ",  // some leave the padding out
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SHA384}WKd1ukESvjAFrkQHznV9iP2nHUBJe7gCbsrFTU4//HIyzo3jq1rLMK45dg/ufFPt",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "{SMD5}ZkCrbUka/RPGfsLH4W/LpCohVBM=",
    "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "{MD5}5EBE2294ecd0e0f08eab7690d2a6ee69",
    "{MD5}$1$5OCa95zL$XtnhEygP2RgG0iwDOsfOi0",
    "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{LDAP-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",  // its length says how it is written
    "{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "{HMAC-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "{PBKDF2}$1$lL8rPXsOxVVxjD3C$5000$1c1a8894c13553d8a9551093d2db28611d787a24",
    "{PBKDF2}1000$./8wMTIzNDU2Nzg5YWJjZA$dCoXzx1Zsp.lnJ.B8WQ7ApGSjU8",
    "{PBKDF2-SHA1}1000$./8wMTIzNDU2Nzg5YWJjZA$dCoXzx1Zsp.lnJ.B8WQ7ApGSjU8",
    "{PBKDF2-SHA256}1000$./8wMTIzNDU2Nzg5YWJjZA$LcpoHcks/CYED9xCnHqsWxcBXyV/RaU5gIycxzRApQU",
    "{PBKDF2-SHA512}1000$./8wMTIzNDU2Nzg5YWJjZA$WFhQHhF5ak4wSKzYhFjf9prLR7siTqhxmvdewlf4JF."
    "PIti7epyLFHBXWZljGNQdrqs7vEg771xf3xM4NfZ82Q",
    "{SCRAM-SHA-1}4096,ZmFNaWDn/Jz7CSlIzOi2SA==,F/np5tqifJquJQoCoIaTbXGtuOw=,fPVj84aXzrqZHZfEMw0EVdgjr0w=",
    "{SCRAM-SHA-256}4096,YB45SCeCp4RWb2H1IBff5w==,xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=,"
    "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ=",
    "SCRAM-SHA-256$4096:YB45SCeCp4RWb2H1IBff5w==$xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=:"
    "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ=",
    "{SSHA.HEX}1895c45836b9855a7fff5699c34d1b67e76070ce171e68c3",
    "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "{sha512.b64}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "{SMD5.HEX}2b09eee899e97f80e1dd590dcc81845ba5bec487",
    "{LDAP-MD5.HEX}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "{PLAIN-MD5.BASE64}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{CRAM-MD5.B64}zTun3qrW5cojRIukLjeXR6ng9/H7wAyKgbuqw5VzG1Y=",
    "{PLAIN.B64}c2VjcmV0",
    "{PLAIN.HEX}736563726574",
    "{CRYPT.B64}JDJ5JDA1JG1oZ3J3d3drUC9yaS5zUVJXZXM0MXUyLjgwYnh3eTFwM3g5dlNrc3hoOG90MmptRjdPMWND",
    "{PBKDF2.B64}JDEkQ0dHN1kuTktrZnFXR2hiTiQ1MDAwJDg3OWQyY2E0NDdmMmVmN2ViNGFjODE3YTdhYmQ1ZmMxOTZmNmI1Zjk=",
    "{SCRAM-SHA-256.HEX}343039362c6f35454e784d6e3774656f57576f58677463764c6a513d3d2c374430544f727a6c386b4337397a6541"
    "6466657536374466754654736e6d624f7966737a6b44464b67376f3d2c742f76714d2f6658366f636b374e5775424c364b364d6b65325475"
    "333063776d51585376514c33533266553d",
};

TEST(PasswordDigest, WhatOthersWroteForTheSamePassword) {
  for (const char* stored : kSecret) {
    auto checked = check_stored_password(stored);
    EXPECT_TRUE(checked) << stored << ": " << checked.error().message;
    auto right = verify_password(Secret("secret"), stored);
    ASSERT_TRUE(right) << stored << ": " << right.error().message;
    EXPECT_TRUE(*right) << stored;
    for (const char* wrong : {"", "Secret", "secret ", "secre"}) {
      EXPECT_FALSE(*verify_password(Secret(wrong), stored)) << stored << " matches " << wrong;
    }
  }
}

TEST(PasswordDigest, ALongKeyOfHmacIsHashedFirst) {
  const std::string stored = "{CRAM-MD5}8103bb3a2a4b96a9ca9cce4efecc8d22ebe7163dff7401afb5aa16d4edcf9f1f";
  EXPECT_TRUE(*verify_password(Secret(std::string(70, 'x')), stored));
  EXPECT_FALSE(*verify_password(Secret(std::string(71, 'x')), stored));
}

TEST(PasswordDigest, NothingIsCutShort) {
  const std::string stored = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
  EXPECT_FALSE(*verify_password(Secret(std::string_view("secret\0", 7)), stored));
}

// The salt may be missing, as Dovecot allows; a digest may not be short by one octet.
TEST(PasswordDigest, DamagedOnesAreAnErrorAndNotAMismatch) {
  EXPECT_TRUE(*verify_password(Secret("secret"), "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ="));
  for (const char* stored : {"{SSHA}",
                             "{SSHA}!",
                             "{SSHA}5en6G6MezRroT3XKqkdPOmY/Bf",
                             "{SHA}5en6G6MezRroT3XKqkdPOmY/BfRz",
                             "{SHA256.HEX}2bb8",
                             "{SHA256.HEX}zz",
                             "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee6",
                             "{PLAIN.HEX}xyz",
                             "{PLAIN.B64}",
                             "{PBKDF2}",
                             "{PBKDF2}$1$salt$0$1c1a8894c13553d8a9551093d2db28611d787a24",
                             "{PBKDF2}$1$salt$5000",
                             "{PBKDF2}$1$salt$5000$1c",
                             "{PBKDF2-SHA256}1000$./8w",
                             "{PBKDF2-SHA256}-1$./8w$LcpoHcks/CYED9xCnHqsWxcBXyV/RaU5gIycxzRApQU",
                             "{CRAM-MD5}cd3b",
                             "{MD5}x",
                             "{SCRAM-SHA-256}",
                             "{SCRAM-SHA-256}4096",
                             "{SCRAM-SHA-256}4096,,,",
                             "{SCRAM-SHA-256}x,YB45SCeCp4RWb2H1IBff5w==,xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=,"
                             "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ=",
                             "{SCRAM-SHA-1}4096,YB45SCeCp4RWb2H1IBff5w==,xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=,"
                             "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ=",
                             "SCRAM-SHA-256$4096:YB45SCeCp4RWb2H1IBff5w==$xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=",
                             "{SSHA.XYZ}x",
                             "{.HEX}00"}) {
    EXPECT_FALSE(verify_password(Secret("secret"), stored)) << stored;
    EXPECT_FALSE(check_stored_password(stored)) << stored;
  }
}

TEST(PasswordDigest, A36_WhatIsTooDearIsRefusedWithoutHashing) {
  const uint64_t before = password_checks();
  for (const char* stored :
       {"{PBKDF2}$1$lL8rPXsOxVVxjD3C$1000001$1c1a8894c13553d8a9551093d2db28611d787a24",
        "{PBKDF2-SHA512}4294967295$./8wMTIzNDU2Nzg5YWJjZA$WFhQHhF5ak4wSKzYhFjf9prLR7siTqhxmvdewlf4JF."
        "PIti7epyLFHBXWZljGNQdrqs7vEg771xf3xM4NfZ82Q",
        "{SCRAM-SHA-256}4294967295,YB45SCeCp4RWb2H1IBff5w==,xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=,"
        "g8/DjxgGXfc125L+8S7x4DCBffZc7osSNkAdzD30liQ="}) {
    auto checked = check_stored_password(stored);
    ASSERT_FALSE(checked) << stored;
    EXPECT_THAT(checked.error().message, HasSubstr("too dear"));
    EXPECT_FALSE(verify_password(Secret("x"), stored));
    EXPECT_TRUE(stored_secret(stored, "SCRAM-SHA-256", "joe").empty());
  }
  EXPECT_EQ(password_checks(), before);
}

TEST(PasswordDigest, A33_ErrorsNeverShowTheStoredString) {
  for (const char* stored :
       {"{SSHA}canary", "{SHA256.HEX}canary", "{PBKDF2}$1$canary$canary$canary", "{PLAIN.HEX}canary",
        "{SCRAM-SHA-256}4096,canary,canary,canary", "{CRAM-MD5}canary", "{canary.HEX}x"}) {
    auto failed = verify_password(Secret("x"), stored);
    ASSERT_FALSE(failed) << stored;
    EXPECT_EQ(failed.error().message.find("canary"), std::string::npos) << failed.error().message;
  }
}

std::string in_base64(const Secret& secret) { return base64_encode(secret.reveal()); }

// The examples of RFC 5802 5 and RFC 7677 3.
TEST(ScramKeys, TheRfcsVectors) {
  const auto salt1 = base64_decode("QSXCR+Q6sek8bf92"), salt256 = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  const ScramKeys one = derive_scram_keys(ScramHash::sha1, Secret("pencil"), salt1->reveal(), 4096);
  EXPECT_EQ(in_base64(one.stored_key), "6dlGYMOdZcOPutkcNY8U2g7vK9Y=");
  EXPECT_EQ(in_base64(one.server_key), "D+CSWLOshSulAsxiupA+qs2/fTE=");
  const ScramKeys two = derive_scram_keys(ScramHash::sha256, Secret("pencil"), salt256->reveal(), 4096);
  EXPECT_EQ(in_base64(two.stored_key), "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
  EXPECT_EQ(in_base64(two.server_key), "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
  EXPECT_EQ(write_scram_keys(two),
            "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(ScramKeys, StoredOnesAnswerTheirOwnMechanismOnly) {
  const auto keys = stored_secret(kSecret[24], "SCRAM-SHA-256-PLUS", "joe");
  ASSERT_TRUE(keys.sha256);
  EXPECT_EQ(keys.sha256->iterations, 4096u);
  EXPECT_EQ(base64_encode(keys.sha256->salt), "YB45SCeCp4RWb2H1IBff5w==");
  EXPECT_EQ(in_base64(keys.sha256->stored_key), "xum3sVLXprFjdimYL5xfZy09ctNm8knWkK7zSKVTEmg=");
  EXPECT_FALSE(keys.sha1);
  EXPECT_TRUE(keys.cleartext.empty());
  EXPECT_TRUE(stored_secret(kSecret[23], "SCRAM-SHA-1", "joe").sha1);
  EXPECT_TRUE(stored_secret("{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z", "SCRAM-SHA-1", "joe").empty());
}

TEST(ScramKeys, ClearTextAnswersEveryMechanism) {
  for (const char* mechanism : {"CRAM-MD5", "APOP"}) {
    const auto secret = stored_secret("{PLAIN}secret", mechanism, "joe");
    EXPECT_TRUE(secret.cleartext.equals("secret"));
    EXPECT_FALSE(secret.sha1 || secret.sha256) << "they cost something";
  }
  const auto one = stored_secret("{PLAIN}secret", "SCRAM-SHA-1", "joe");
  ASSERT_TRUE(one.sha1);
  const auto again = derive_scram_keys(ScramHash::sha1, Secret("secret"), one.sha1->salt, one.sha1->iterations);
  EXPECT_TRUE(again.stored_key.equals(one.sha1->stored_key.reveal()));
  EXPECT_TRUE(stored_secret("{CLEAR}secret", "SCRAM-SHA-256-PLUS", "joe").sha256);
}

// A21: a salt that changes, or that two users share, tells what is stored.
TEST(ScramKeys, A21_TheSaltOfMadeKeysIsTheUsersOwnAndStays) {
  const auto salt = [](const char* user) { return stored_secret("{PLAIN}secret", "SCRAM-SHA-1", user).sha1->salt; };
  EXPECT_EQ(salt("joe"), salt("joe"));
  EXPECT_NE(salt("joe"), salt("ann"));
  EXPECT_EQ(salt("joe").size(), 16u);
}

TEST(ScramKeys, MadeOnesAreSaltedAndVerify) {
  auto one = make_scram_password(Secret("secret")), two = make_scram_password(Secret("secret"));
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_TRUE(*verify_password(Secret("secret"), *one));
  EXPECT_FALSE(*verify_password(Secret("other"), *one));
  EXPECT_TRUE(stored_secret(*one, "SCRAM-SHA-256", "joe").sha256);
}

TEST(ScramKeys, OnlyWhatMustBeMadeCostsTime) {
  EXPECT_TRUE(secret_costs("{PLAIN}secret", "SCRAM-SHA-256"));
  EXPECT_TRUE(secret_costs("{plain.b64}c2VjcmV0", "scram-sha-1-plus"));
  EXPECT_FALSE(secret_costs("{PLAIN}secret", "CRAM-MD5"));
  EXPECT_FALSE(secret_costs(kSecret[24], "SCRAM-SHA-256"));
  EXPECT_FALSE(secret_costs("", "SCRAM-SHA-256"));
}

}  // namespace
}  // namespace postigo
