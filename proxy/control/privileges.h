// Who the process is: which account it becomes, and what it gives up for good.
//
// All of it on the main thread, before any other exists, unless a function says otherwise.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "parser/base/result.h"

namespace postigo {

// What `server.user` and `server.group` come to on this machine.
struct Account {
  std::string user;   // empty: only the group changes
  std::string group;  // for messages
  uid_t uid = 0;
  gid_t gid = 0;
};

// Nothing if neither is configured, or with problems: an account that does not exist or that this process cannot
// become.
std::optional<Account> find_account(const config::Startup& startup, config::Problems& problems);

// Nothing that this process might start gains a privilege (NO_NEW_PRIVS), and the bounding set of capabilities, if that
// may be changed, is empty. What the process has it keeps: ports are still to be bound, the account to be changed.
void forbid_new_privileges();

// Becomes the account for good: user (real, effective and saved), group, and of the supplementary groups the user's, or
// none. Without an account the process stays who it is. Either way all capabilities go but CAP_NET_BIND_SERVICE, which
// stays with who was started with it and not as root, and nobody of the same account may look into the process or get a
// core file of it. An error if anything of that did not happen.
Result<void> become(const std::optional<Account>& account);

// While it lives, what this thread starts is lent CAP_NET_BIND_SERVICE as this process was, if it was.
class LentCapability {
 public:
  LentCapability();
  ~LentCapability();
  LentCapability(const LentCapability&) = delete;
  LentCapability& operator=(const LentCapability&) = delete;
};

// While it lives, files are opened as the account would (effective ids and groups). For looking, not for safety.
class Impersonation {
 public:
  explicit Impersonation(const std::optional<Account>& account);
  ~Impersonation();
  Impersonation(const Impersonation&) = delete;
  Impersonation& operator=(const Impersonation&) = delete;

 private:
  bool active_ = false;
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
};

// A core file, or a debugger of the same user, would show passwords (A33).
void forbid_core_files();

}  // namespace postigo
