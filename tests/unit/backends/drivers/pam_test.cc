// The contract of directory.h over libpam, with service files of the test's own.
#include "backends/directory/drivers/pam.h"

#include <crypt.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "tests/unit/backends/drivers/asking.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {
namespace {

using fakes::FakeEnv;

bool has_module(const char* name) {
  return access((std::string("/lib/x86_64-linux-gnu/security/") + name).c_str(), R_OK) == 0 ||
         access((std::string("/lib/security/") + name).c_str(), R_OK) == 0 ||
         access((std::string("/lib/aarch64-linux-gnu/security/") + name).c_str(), R_OK) == 0;
}

class Pam : public testing::Test {
 protected:
  static config::Directory settings(bool check = true) {
    config::Directory from;
    from.name = "system";
    from.type = config::Directory::Type::pam;
    from.check_password = check;
    from.pam_service = "test";
    from.threads = 1;
    return from;
  }
  std::unique_ptr<Directory> directory(const std::string& service, bool check = true) {
    std::ofstream(place_.file("test")) << service;
    std::ofstream(place_.file("other")) << "auth required pam_permit.so\naccount required pam_permit.so\n";
    auto source = load_pam_directory_from(settings(check), std::filesystem::path(place_.file("test")).parent_path());
    if (!source) throw std::runtime_error(source.error().message);
    return (*source)->make(env_);
  }
  LookupResult ask(Directory& users, const std::string& user, const std::string& password = "secret",
                   Want want = Want::verdict) {
    return postigo::ask(env_, users, {user, password, want});
  }
  // joe and ann, as htpasswd writes them.
  std::string with_password_file() {
    crypt_data data{};
    const std::string hash = crypt_r("secret", "$5$rounds=1000$saltsalt$", &data);
    std::ofstream(place_.file("passwords")) << "joe:" << hash << "\nann@example.com:" << hash << "\nempty:\n";
    return "auth required pam_pwdfile.so pwdfile=" + place_.file("passwords") + "\naccount required pam_permit.so\n";
  }
  // pam_debug says what it is told to.
  static std::string saying(const std::string& auth, const std::string& account) {
    return "auth required pam_debug.so auth=" + auth + "\naccount required pam_debug.so acct=" + account + "\n";
  }

  Temporary place_;
  FakeEnv env_;
};

TEST_F(Pam, PasswordsOfAPasswordFile) {
  if (!has_module("pam_pwdfile.so")) GTEST_SKIP() << "libpam-pwdfile is not installed";
  auto users = directory(with_password_file());
  for (const char* user : {"joe", "ann@example.com"}) {
    LookupResult yes = ask(*users, user);
    EXPECT_EQ(yes.verdict, Verdict::ok) << yes.detail;
    EXPECT_EQ(yes.identity.user, user);
    EXPECT_TRUE(yes.identity.verified);
  }
  for (const std::string& wrong : {std::string("Secret"), std::string("secret\0x", 8), std::string("secret "),
                                   std::string(4096, 's'), std::string()}) {
    EXPECT_EQ(ask(*users, "joe", wrong).verdict, Verdict::bad_credentials) << wrong;
  }
  EXPECT_EQ(ask(*users, "empty", "").verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(*users, "eve").verdict, Verdict::no_such_user);
}

TEST_F(Pam, WhatModulesSayBecomesAVerdict) {
  const std::tuple<const char*, const char*, Verdict> said[] = {
      {"success", "success", Verdict::ok},
      {"auth_err", "success", Verdict::bad_credentials},
      {"maxtries", "success", Verdict::bad_credentials},
      {"user_unknown", "success", Verdict::no_such_user},
      {"authinfo_unavail", "success", Verdict::try_later},
      {"system_err", "success", Verdict::try_later},
      {"service_err", "success", Verdict::try_later},
      {"cred_insufficient", "success", Verdict::try_later},
      {"abort", "success", Verdict::try_later},
      {"success", "acct_expired", Verdict::disabled},
      {"success", "perm_denied", Verdict::disabled},
      {"success", "new_authtok_reqd", Verdict::disabled},
      {"success", "user_unknown", Verdict::no_such_user},
      {"success", "system_err", Verdict::try_later},
      {"auth_err", "acct_expired", Verdict::bad_credentials},
  };
  for (const auto& [auth, account, verdict] : said) {
    LookupResult result = ask(*directory(saying(auth, account)), "joe");
    EXPECT_EQ(result.verdict, verdict) << auth << ' ' << account;
    EXPECT_EQ(result.detail.starts_with("directory system: "), verdict == Verdict::try_later) << result.detail;
  }
}

TEST_F(Pam, WhatIsAskedWithoutAPassword) {
  const Want wants[] = {Want::placement, Want::account, Want::secret, Want::token};
  const std::tuple<const char*, std::array<Verdict, 4>> said[] = {
      {"success", {Verdict::ok, Verdict::ok, Verdict::ok, Verdict::no_such_user}},
      {"acct_expired", {Verdict::ok, Verdict::disabled, Verdict::ok, Verdict::no_such_user}},
      {"user_unknown", {Verdict::no_such_user, Verdict::no_such_user, Verdict::no_such_user, Verdict::no_such_user}},
      {"system_err", {Verdict::try_later, Verdict::try_later, Verdict::try_later, Verdict::no_such_user}},
  };
  for (const auto& [account, verdicts] : said) {
    auto users = directory(saying("auth_err", account));
    for (size_t i = 0; i < verdicts.size(); ++i) {
      EXPECT_EQ(ask(*users, "joe", "", wants[i]).verdict, verdicts[i]) << account << ' ' << i;
    }
  }
  LookupResult secret = ask(*directory(saying("auth_err", "acct_expired")), "joe", "", Want::secret);
  EXPECT_TRUE(secret.identity.disabled);
  EXPECT_TRUE(secret.secret.cleartext.empty());
}

TEST_F(Pam, WithoutCheckingAccountAloneIsAsked) {
  LookupResult joe = ask(*directory(saying("auth_err", "success"), false), "joe", "whatever");
  EXPECT_EQ(joe.verdict, Verdict::ok);
  EXPECT_FALSE(joe.identity.verified);
  EXPECT_EQ(ask(*directory(saying("success", "acct_expired"), false), "joe").verdict, Verdict::disabled);
  EXPECT_EQ(ask(*directory(saying("success", "user_unknown"), false), "joe").verdict, Verdict::no_such_user);
}

// Modules make paths and command lines of them.
TEST_F(Pam, A5_NamesThatAreNone) {
  auto users = directory("auth required pam_permit.so\naccount required pam_permit.so\n");
  for (const std::string& name : {std::string(), std::string("../joe"), std::string("a/b"), std::string("-joe"),
                                  std::string(".joe"), std::string("joe\0", 4), std::string("joe\n"),
                                  std::string("\xff"), std::string("@example.com"), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(ask(*users, name).verdict, Verdict::no_such_user) << name.substr(0, 40);
  }
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
}

TEST_F(Pam, ModulesHearWhoAsksAndNotWhoIsKeptWaiting) {
  std::ofstream(place_.file("look"))
      << "#!/bin/sh\n[ \"$PAM_RHOST $PAM_USER $PAM_TTY\" = \"192.0.2.7 joe postigo\" ]\n";
  chmod(place_.file("look").c_str(), 0700);
  auto users = directory("auth required pam_faildelay.so delay=60000000\nauth required pam_exec.so quiet " +
                         place_.file("look") + "\naccount required pam_permit.so\n");
  EXPECT_EQ(ask(*users, "joe").verdict, Verdict::ok);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_NE(ask(*users, "ann").verdict, Verdict::ok);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20))
      << "our own delay is the one that counts";
}

// A stack that asks twice gets it twice; one that asks for more than a password gets nothing.
TEST_F(Pam, OnlyThePasswordIsToldAndEachTimeThatItIsAskedFor) {
  if (!has_module("pam_pwdfile.so")) GTEST_SKIP() << "libpam-pwdfile is not installed";
  const std::string once = with_password_file();
  EXPECT_EQ(ask(*directory(once + once), "joe").verdict, Verdict::ok);
}

TEST_F(Pam, AServiceThatIsNotThereIsRefused) {
  auto error = [&](const std::string& service) {
    config::Directory from = settings();
    from.pam_service = service;
    auto loaded = load_pam_directory(from);
    return loaded ? std::string("loaded") : loaded.error().message;
  };
  EXPECT_EQ(error("postigo-not-there"), "directory system: pam_service: cannot read /etc/pam.d/postigo-not-there");
  EXPECT_EQ(error("../passwd"), "directory system: pam_service: \"../passwd\" is no name of a file in /etc/pam.d");
  EXPECT_EQ(error(""), "directory system: pam_service: \"\" is no name of a file in /etc/pam.d");
  EXPECT_EQ(error("other"), "loaded");
}

TEST_F(Pam, A33_DetailsHoldNoSecret) {
  for (const char* code : {"auth_err", "system_err", "success"}) {
    EXPECT_EQ(ask(*directory(saying(code, code)), "joe", "canary").detail.find("canary"), std::string::npos);
  }
}

}  // namespace
}  // namespace postigo
