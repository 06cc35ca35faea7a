// System calls about accounts and capabilities, each of them looked at again afterwards: a privilege that was meant to
// go and stayed is an error, not a surprise. Not here: when (control.cc).
#include "proxy/control/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "config/suggest.h"

namespace postigo {
namespace {

// All but the one for ports below 1024, if it was lent to us: a new configuration may name another such port. Nothing
// that we might start inherits it. The kernel's own interface; it concerns the calling thread only.
bool drop_capabilities() {
  constexpr uint32_t kBind = 1U << CAP_NET_BIND_SERVICE;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};  // two halves of 32 bits, each effective, permitted and inheritable
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  uint32_t kept = sets[0].permitted & kBind;
  sets = {{{kept, kept, 0}, {0, 0, 0}}};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

// Of the calling thread: for what it starts. Without the capability nothing happens.
void lend(bool on) {
  constexpr uint32_t kBind = 1U << CAP_NET_BIND_SERVICE;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0 || (sets[0].permitted & kBind) == 0) return;
  if (!on) ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  sets[0].inheritable = on ? kBind : 0;
  if (::syscall(SYS_capset, &header, sets.data()) != 0 || !on) return;
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

void empty_bounding_set() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // only with CAP_SETPCAP; NO_NEW_PRIVS makes the set idle anyway
  }
}

bool is(const Account& account) {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  if (::getresuid(&real, &effective, &saved) != 0) return false;
  if (::getresgid(&real_group, &effective_group, &saved_group) != 0) return false;
  bool group = real_group == account.gid && effective_group == account.gid && saved_group == account.gid;
  bool user = real == account.uid && effective == account.uid && saved == account.uid;
  return group && (account.user.empty() || user);
}

bool take_groups(const Account& account) {
  return account.user.empty() ? ::setgroups(1, &account.gid) == 0
                              : ::initgroups(account.user.c_str(), account.gid) == 0;
}

std::string name_of(const Account& account) { return account.user.empty() ? account.group : account.user; }

Result<void> change_to(const Account& account) {
  auto failed = [&](const char* what) {
    return fail(fmt::format("cannot become {}: {}: {}", name_of(account), what, std::strerror(errno)));
  };
  if (!take_groups(account)) return failed("supplementary groups");
  if (::setresgid(account.gid, account.gid, account.gid) != 0) return failed("group");
  if (!account.user.empty() && ::setresuid(account.uid, account.uid, account.uid) != 0) return failed("user");
  bool back = !account.user.empty() && account.uid != 0 && ::setuid(0) == 0;
  if (back || !is(account)) return fail(fmt::format("cannot become {}: the change did not last", name_of(account)));
  return {};
}

}  // namespace

std::optional<Account> find_account(const config::Startup& startup, config::Problems& problems) {
  if (startup.user.empty() && startup.group.empty()) return std::nullopt;
  Account account{startup.user, startup.group, ::geteuid(), ::getegid()};
  auto wrong = [&](const char* key, const std::string& message) {
    problems.push_back(config::error_at(key, message));
    return std::nullopt;
  };
  if (!startup.user.empty()) {
    const passwd* user = ::getpwnam(startup.user.c_str());
    if (user == nullptr) {
      return wrong("server.user", "this machine has no user " + config::in_quotes(startup.user));
    }
    account.uid = user->pw_uid;
    account.gid = user->pw_gid;
  }
  if (!startup.group.empty()) {
    const group* named = ::getgrnam(startup.group.c_str());
    if (named == nullptr) {
      return wrong("server.group", "this machine has no group " + config::in_quotes(startup.group));
    }
    account.gid = named->gr_gid;
  }
  const char* key = startup.user.empty() ? "server.group" : "server.user";
  if (::geteuid() != 0 && !is(account)) return wrong(key, "only root can become somebody else: start as root");
  return account;
}

void forbid_new_privileges() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  empty_bounding_set();
}

Result<void> become(const std::optional<Account>& account) {
  if (account && !is(*account)) {
    if (auto changed = change_to(*account); !changed) return changed;
  } else if (account && ::geteuid() == 0 && !take_groups(*account)) {
    return fail(fmt::format("cannot leave the supplementary groups: {}", std::strerror(errno)));
  }
  // Who stays root has chosen that: files of others are among what root is for.
  if (::geteuid() != 0 && !drop_capabilities()) return fail("cannot give up the capabilities");
  forbid_core_files();  // a change of user makes a process dumpable again, or as the machine has it
  return {};
}

LentCapability::LentCapability() {
  if (::geteuid() != 0) lend(true);
}

LentCapability::~LentCapability() {
  if (::geteuid() != 0) lend(false);
}

Impersonation::Impersonation(const std::optional<Account>& account) {
  if (!account || ::geteuid() != 0) return;
  active_ = true;
  gid_ = ::getegid();
  groups_.resize(static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
  bool done = ::getgroups(static_cast<int>(groups_.size()), groups_.data()) >= 0;
  done = done && take_groups(*account) && ::setegid(account->gid) == 0;
  if (done && !account->user.empty()) done = ::seteuid(account->uid) == 0;
  (void)done;  // what cannot be tried as the account is told when it is done as the account
}

Impersonation::~Impersonation() {
  if (!active_) return;
  bool done = ::seteuid(0) == 0 && ::setegid(gid_) == 0 && ::setgroups(groups_.size(), groups_.data()) == 0;
  (void)done;
  forbid_core_files();
}

void forbid_core_files() {
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__  // the leak sanitizer attaches to the process at its end
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace postigo
