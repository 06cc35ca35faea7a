// Every scheme against hashes that other programs wrote, and what must not match.
#include "backends/directory/password.h"

#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Secret secret(std::string_view text) { return Secret(text); }

std::string crypted(const std::string& phrase, const std::string& setting) {
  crypt_data data{};
  return crypt_r(phrase.c_str(), setting.c_str(), &data);
}

struct Sample {
  const char* stored;
  const char* password;
};

// Published vectors: Drepper's SHA-crypt page, OpenBSD's and Openwall's bcrypt, the md5crypt and yescrypt manuals,
// libargon2's own test file.
const Sample kSamples[] = {
    {"{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
     "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
     "Hello world!"},
    {"{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"},
    {"{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"{CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"{ARGON2I}$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", "password"},
    {"{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
    {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
    {"{PLAIN}secret", "secret"},
    {"{clear}secret", "secret"},
    {"{Cleartext}{PLAIN}x", "{PLAIN}x"},
};

TEST(Password, VerifiesWhatOthersWrote) {
  for (const Sample& sample : kSamples) {
    auto right = verify_password(secret(sample.password), sample.stored);
    ASSERT_TRUE(right) << sample.stored << ": " << right.error().message;
    EXPECT_TRUE(*right) << sample.stored;
    EXPECT_TRUE(check_stored_password(sample.stored)) << sample.stored;
    for (std::string wrong : {std::string(), std::string(sample.password) + "x", std::string("x")}) {
      auto answer = verify_password(secret(wrong), sample.stored);
      ASSERT_TRUE(answer) << sample.stored;
      EXPECT_FALSE(*answer) << sample.stored << " matches " << wrong;
    }
  }
}

TEST(Password, EveryCryptSchemeByItsDovecotName) {
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"MD5-CRYPT", "$1$saltsalt$"},
      {"SUNMD5", "$md5$saltsalt$"},
      {"DES-CRYPT", "ab"},
      {"CRYPT", "ab"},
      {"CRYPT", "$1$saltsalt$"},
      {"BCRYPT", "$2b$04$CCCCCCCCCCCCCCCCCCCCC."},
      {"YESCRYPT", "$y$j75$saltsalt"},
      {"GOST-YESCRYPT", "$gy$j75$saltsalt"},
      {"SCRYPT", "$7$4/..../....saltsalt$"},
  };
  for (const auto& [scheme, setting] : settings) {
    const std::string hash = crypted("secret", setting);
    ASSERT_NE(hash[0], '*') << setting;
    auto right = verify_password(secret("secret"), "{" + scheme + "}" + hash);
    ASSERT_TRUE(right) << scheme << ": " << right.error().message;
    EXPECT_TRUE(*right) << scheme;
    EXPECT_FALSE(*verify_password(secret("Secret"), "{" + scheme + "}" + hash)) << scheme;
  }
}

// Our misconfiguration is an Error, so that the caller says "try later" and not "no".
TEST(Password, WhatCannotBeUsedIsAnError) {
  for (const char* stored :
       {"", "plain", "{}x", "{ROT13}x", "{SSHA}abc", "{PLAIN", "{PLAIN}", "{SHA512-CRYPT}$5$saltstring$x", "$9$x",
        "{ARGON2ID}$argon2id$v=19$m=256", "{ARGON2ID}$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA", "{CRYPT}*0",
        "{BLF-CRYPT}$2a$99$x", "$argon2id$"}) {
    EXPECT_FALSE(verify_password(secret("x"), stored)) << stored;
  }
  EXPECT_THAT(check_stored_password("{ROT13}x").error().message, HasSubstr("{ROT13} is not known"));
  EXPECT_FALSE(check_stored_password("$9$x"));
  EXPECT_FALSE(check_stored_password("secret"));
}

TEST(Password, ErrorsNeverShowTheStoredString) {
  for (const char* stored : {"canary", "{PLAINcanary", "{SHA512-CRYPT}canary", "$9$canary", "{ARGON2ID}canary"}) {
    EXPECT_EQ(verify_password(secret("x"), stored).error().message.find("canary"), std::string::npos) << stored;
  }
}

// libcrypt reads up to a NUL and at most 511 octets: what it would ignore must not match.
TEST(Password, NothingIsCutShort) {
  const std::string stored = "{CRYPT}" + crypted("secret", "$5$saltsalt$");
  EXPECT_TRUE(*verify_password(secret("secret"), stored));
  EXPECT_FALSE(*verify_password(secret(std::string_view("secret\0", 7)), stored));
  EXPECT_FALSE(*verify_password(secret(std::string_view("secret\0more", 11)), stored));
  const std::string empty = "{CRYPT}" + crypted("", "$5$saltsalt$");
  EXPECT_FALSE(*verify_password(secret(std::string(4096, 'x')), empty));
  EXPECT_FALSE(*verify_password(secret(std::string_view("\0", 1)), empty));
  EXPECT_TRUE(*verify_password(secret(""), empty));
  const std::string longest(511, 'x');
  EXPECT_TRUE(*verify_password(secret(longest), "{CRYPT}" + crypted(longest, "$5$saltsalt$")));
}

TEST(Password, MakesWhatItVerifies) {
  auto one = make_password(secret("p\xc3\xa4ss w\0rd"));
  auto two = make_password(secret("p\xc3\xa4ss w\0rd"));
  ASSERT_TRUE(one && two);
  EXPECT_THAT(*one, StartsWith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_NE(*one, *two) << "salted";
  EXPECT_TRUE(*verify_password(secret("p\xc3\xa4ss w\0rd"), *one));
  EXPECT_FALSE(*verify_password(secret("other"), *one));
}

TEST(Password, TheDecoyMatchesNothingAndCostsTheSame) {
  const std::string decoy = default_decoy();
  auto answer = verify_password(secret("x"), decoy);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(*answer);
  EXPECT_THAT(decoy, StartsWith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")) << "make_password's parameters";
  EXPECT_EQ(decoy.size(), make_password(secret("x"))->size()) << "salt and tag as long";
}

}  // namespace
}  // namespace postigo
