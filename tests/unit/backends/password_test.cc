// Every scheme against hashes that other programs wrote, and what must not match.
#include "backends/directory/password.h"
#include "backends/directory/scram_keys.h"

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
       {"", "plain", "{}x", "{ROT13}x", "{PLAIN", "{PLAIN}", "{SHA512-CRYPT}$5$saltstring$x", "$9$x",
        "{ARGON2ID}$argon2id$v=19$m=256", "{ARGON2ID}$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA", "{CRYPT}*0",
        "{BLF-CRYPT}$2a$99$x", "$argon2id$"}) {
    EXPECT_FALSE(verify_password(secret("x"), stored)) << stored;
  }
  EXPECT_THAT(check_stored_password("{ROT13}x").error().message, HasSubstr("is not known"));
  EXPECT_THAT(check_stored_password("{ntlm.hex}x").error().message, HasSubstr("{NTLM} are not supported"));
  EXPECT_FALSE(check_stored_password("$9$x"));
  EXPECT_FALSE(check_stored_password("secret"));
}

TEST(Password, ErrorsNeverShowTheStoredString) {
  for (const char* stored :
       {"canary", "{PLAINcanary", "{SHA512-CRYPT}canary", "$9$canary", "{ARGON2ID}canary", "{canary}x", "{canary",
        "{SSHA.canary}x", "$6$canary", "$6$rounds=9999999$canary$canary", "$argon2id$v=19$m=canary"}) {
    EXPECT_EQ(verify_password(secret("x"), stored).error().message.find("canary"), std::string::npos) << stored;
  }
}

// Whoever can write an entry could stop all logins with it, or take all memory.
TEST(Password, A36_WhatIsTooDearIsRefusedWithoutHashing) {
  const std::string argon = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  const std::string sha(86, 'x'), tail(53, 'x');
  const std::vector<std::string> dear = {
      "$argon2id$v=19$m=4194304,t=3,p=1" + argon,
      "$argon2id$v=19$m=262145,t=1,p=1" + argon,
      "$argon2id$v=19$m=65536,t=17,p=1" + argon,
      "$argon2i$v=19$m=1024,t=4294967295,p=1" + argon,
      "$argon2id$v=19$m=99999999999999999999,t=1,p=1" + argon,
      "$argon2id$v=19$m=1024,t=99999999999999999999,p=1" + argon,
      "$argon2id$v=19$m=65536,t=1,p=17" + argon,
      "$argon2id$m=65536,t=1,p=255" + argon,
      "$6$rounds=1000001$saltsalt$" + sha,
      "$6$rounds=999999999$saltsalt$" + sha,
      "$5$rounds=99999999999999999999999$saltsalt$" + sha.substr(43),
      "$2b$15$" + tail,
      "$2y$31$" + tail,
      "$y$jHT$saltsalt$xxxxxxx",
      "$gy$jjj$saltsalt$xxxxxxx",
      "$7$jzzzzzzzzzzsalt$xxxxxxx",
      "$7$M6..../....saltsalt$xxxxxx",
      "$md5,rounds=4294967295$saltsalt$$xxxxxx",
      "$sha1$99999999$saltsalt$xxxxxx",
      "_zzzzsaltxxxxxxxxxxx",
  };
  for (const std::string& hash : dear) {
    const uint64_t before = password_checks();
    for (const std::string& stored : {"{CRYPT}" + hash, hash}) {
      if (stored[0] == '{' && hash.starts_with("$argon")) continue;
      if (stored[0] == '_') continue;
      auto checked = check_stored_password(stored);
      ASSERT_FALSE(checked) << stored;
      EXPECT_THAT(checked.error().message, HasSubstr("too dear")) << stored;
      EXPECT_FALSE(verify_password(secret("x"), stored));
    }
    EXPECT_EQ(password_checks(), before);
  }
}

TEST(Password, WhatIsDearButUsualIsAccepted) {
  const std::string argon = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  const std::vector<std::string> usual = {
      "$argon2id$v=19$m=65536,t=3,p=4" + argon,             // RFC 9106's second choice
      "$argon2id$v=19$m=262144,t=3,p=1" + argon,            // libsodium's "moderate"
      "$6$rounds=656000$saltsalt$" + std::string(86, 'x'),  // passlib's
      "$2b$14$" + std::string(53, 'x'),
      "$y$j9T$saltsalt$" + std::string(43, 'x'),  // Debian's
      "$y$jDT$saltsalt$" + std::string(43, 'x'),
  };
  for (const std::string& stored : usual) {
    auto checked = check_stored_password(stored);
    EXPECT_TRUE(checked) << stored << ": " << checked.error().message;
  }
}

TEST(Password, DamagedHashesAreFoundWithoutHashing) {
  const std::string whole =
      "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  for (size_t size = whole.find('$') + 1; size <= whole.rfind('$') + 1; ++size) {
    EXPECT_FALSE(check_stored_password(whole.substr(0, size))) << whole.substr(0, size);
  }
  for (const char* stored :
       {"$6$saltsalt$short", "$5$saltsalt", "$2b$10$tooshort", "$2b$xx$", "$1$salt$", "$y$j9T$salt",
        "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$AAAA"}) {
    EXPECT_FALSE(check_stored_password(stored)) << stored;
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

// U+2168 is IX, and U+00AA is a (RFC 4013 3): what SCRAM's clients make of it counts, and what Dovecot's tools write.
TEST(Password, KeysForScramAreOfThePreparedForm) {
  auto made = make_scram_password(Secret("\u2168 \u00aa"));
  ASSERT_TRUE(made);
  EXPECT_EQ(verify_password(Secret("IX a"), *made), true);
  EXPECT_EQ(verify_password(Secret("\u2168 \u00aa"), *made), true);
  EXPECT_EQ(verify_password(Secret("ix a"), *made), false);
  const ScramKeys raw = derive_scram_keys(ScramHash::sha256, Secret("\u2168"), "salt of sixteen ", 4096);
  EXPECT_EQ(verify_password(Secret("\u2168"), "{SCRAM-SHA-256}" + write_scram_keys(raw)), true);
  const StoredSecret clear = stored_secret("{PLAIN}\u2168", "SCRAM-SHA-1", "joe");
  ASSERT_TRUE(clear.sha1);
  EXPECT_TRUE(derive_scram_keys(ScramHash::sha1, Secret("IX"), clear.sha1->salt, clear.sha1->iterations)
                  .stored_key.equals(clear.sha1->stored_key.reveal()));
  EXPECT_EQ(prepared_password(Secret("\xff")), std::nullopt);
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
