// Changes of account, each tried in a child process: the parent must stay who it is. Only root can try them.
#include "proxy/control/privileges.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <string>

namespace postigo {
namespace {

using testing::HasSubstr;

// What `action` prints in a child process, then the child's /proc/self/status.
std::string in_child(const std::function<std::string()>& action) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  pid_t child = ::fork();
  if (child == 0) {
    std::ifstream status("/proc/thread-self/status");  // opened before: a process that is not dumpable belongs to root
    std::ostringstream all;
    std::string said = action();
    all << said << '\n' << status.rdbuf();
    std::string text = all.str();
    ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written > 0 ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << text;
  return text;
}

std::string become_in_child(const std::string& user, const std::string& group) {
  return in_child([&]() -> std::string {
    gid_t extra[] = {1, 2, 3};
    ::setgroups(3, extra);
    forbid_new_privileges();
    config::Startup startup;
    startup.user = user;
    startup.group = group;
    config::Problems problems;
    auto account = find_account(startup, problems);
    if (!problems.empty()) return problems[0].key + ": " + problems[0].message;
    auto became = become(account);
    if (!became) return became.error().message;
    std::string said = "became; dumpable " + std::to_string(::prctl(PR_GET_DUMPABLE));
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    said += ", core " + std::to_string(core.rlim_max);
    if (::geteuid() != 0) said += ::setresuid(0, 0, 0) == 0 ? ", and back" : ", for good";
    return said;
  });
}

class Privileges : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    nobody = ::getpwnam("nobody")->pw_uid;
    group = ::getpwnam("nobody")->pw_gid;
    daemon = ::getgrnam("daemon")->gr_gid;
  }
  static std::string four(const char* name, unsigned id) {
    std::string text = std::string(name) + ":";
    for (int i = 0; i < 4; ++i) text += '\t' + std::to_string(id);
    return text + '\n';
  }
  unsigned nobody = 0, group = 0, daemon = 0;
};

#ifdef __SANITIZE_ADDRESS__
constexpr const char* kLocked = ", core 0";
#else
constexpr const char* kLocked = "dumpable 0, core 0";
#endif

TEST_F(Privileges, AUserForGood) {
  std::string said = become_in_child("nobody", "");
  EXPECT_THAT(said, HasSubstr("became"));
  EXPECT_THAT(said, HasSubstr(kLocked));
  EXPECT_THAT(said, HasSubstr(", for good"));
  EXPECT_THAT(said, HasSubstr(four("Uid", nobody))) << "real, effective, saved, file system";
  EXPECT_THAT(said, HasSubstr(four("Gid", group)));
  EXPECT_THAT(said, HasSubstr("Groups:\t" + std::to_string(group) + " \n")) << "none of root's";
}

TEST_F(Privileges, AUserInAnotherGroup) {
  std::string said = become_in_child("nobody", "daemon");
  EXPECT_THAT(said, HasSubstr(four("Uid", nobody)));
  EXPECT_THAT(said, HasSubstr(four("Gid", daemon)));
  EXPECT_THAT(said, HasSubstr("Groups:\t" + std::to_string(daemon) + " \n"));
}

TEST_F(Privileges, AGroupAloneIsTheOnlyOneThatIsKept) {
  std::string said = become_in_child("", "daemon");
  EXPECT_THAT(said, HasSubstr(four("Uid", 0)));
  EXPECT_THAT(said, HasSubstr(four("Gid", daemon)));
  EXPECT_THAT(said, HasSubstr("Groups:\t" + std::to_string(daemon) + " \n"));
}

TEST_F(Privileges, NoCapabilityIsLeft) {
  std::string said = become_in_child("nobody", "");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(said, HasSubstr(std::string(set) + ":\t0000000000000000\n"));
  }
  EXPECT_THAT(said, HasSubstr("NoNewPrivs:\t1\n"));
}

// Started by a service manager as the account itself, with a capability to bind ports: a reload may bring another one.
TEST_F(Privileges, WhoIsTheAccountAlreadyKeepsOnlyTheRightToBindPorts) {
  std::string said = in_child([&]() -> std::string {
    ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (::setgroups(1, &group) != 0 || ::setresgid(group, group, group) != 0) return "no group";
    if (::setresuid(nobody, nobody, nobody) != 0) return "no user";
    config::Startup startup;
    startup.user = "nobody";
    config::Problems problems;
    auto account = find_account(startup, problems);
    auto became = become(account);
    return became && problems.empty() ? "became" : "refused";
  });
  EXPECT_THAT(said, HasSubstr("became"));
  for (const char* set : {"CapPrm", "CapEff"}) EXPECT_THAT(said, HasSubstr(std::string(set) + ":\t0000000000000400\n"));
  for (const char* set : {"CapInh", "CapAmb"}) EXPECT_THAT(said, HasSubstr(std::string(set) + ":\t0000000000000000\n"));
}

TEST_F(Privileges, WhoIsNotRootCannotBecomeSomebodyElse) {
  for (std::string user : {"daemon", "root"}) {
    std::string said = in_child([&]() -> std::string {
      if (::setresgid(group, group, group) != 0 || ::setresuid(nobody, nobody, nobody) != 0) return "no user";
      config::Startup startup;
      startup.user = user;
      config::Problems problems;
      auto account = find_account(startup, problems);
      return problems.empty() ? "found" : problems[0].key + ": " + problems[0].message;
    });
    EXPECT_THAT(said, HasSubstr("server.user: only root can become somebody else"));
  }
}

TEST_F(Privileges, AccountsThatDoNotExist) {
  EXPECT_THAT(become_in_child("nobody-of-that-name", ""),
              HasSubstr("server.user: this machine has no user \"nobody-of-"));
  EXPECT_THAT(become_in_child("nobody", "no-group"), HasSubstr("server.group: this machine has no group \"no-group\""));
}

TEST_F(Privileges, ImpersonationEndsWithItsScope) {
  std::string said = in_child([&]() -> std::string {
    config::Startup startup;
    startup.user = "nobody";
    config::Problems problems;
    auto account = find_account(startup, problems);
    std::string inside;
    {
      Impersonation impersonation(account);
      inside = ::access("/", R_OK) == 0 && ::geteuid() == nobody && ::getegid() == group ? "as nobody" : "as somebody";
    }
    return inside + (::geteuid() == 0 && ::getegid() == 0 ? ", root again" : ", lost");
  });
  EXPECT_THAT(said, HasSubstr("as nobody, root again"));
}

}  // namespace
}  // namespace postigo
