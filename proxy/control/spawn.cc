// Not here: what the child does with it (inheritance.cc).
#include "proxy/control/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/secrets.h"
#include "proxy/control/estate.h"
#include "proxy/control/privileges.h"
#include "proxy/control/spawn_terms.h"

extern char** environ;

namespace postigo {
namespace {

// Where exactly this process's, not its children's: systemd's sockets and watchdog are for one number only.
bool is_ours_alone(std::string_view entry) {
  for (std::string_view name : {"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_PID="}) {
    if (entry.starts_with(name)) return true;
  }
  return entry.starts_with(std::string(kSuccessionVariable) + "=");
}

class Environment {
 public:
  explicit Environment(int fd) {
    add(fmt::format("{}={}", kSuccessionVariable, fd));
    config::visit_forgotten([this](const std::string& name, const config::KeptSecret& secret) {
      forgotten_.push_back(name + "=");
      Secret entry(forgotten_.back());
      entry.append(secret.reveal());
      entry.append(Bytes("\0", 1));
      secrets_.push_back(std::move(entry));
    });
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      if (!is_ours_alone(*entry) && !is_forgotten(*entry)) pointers_.push_back(*entry);
    }
    for (std::string& each : entries_) pointers_.push_back(each.data());
    for (Secret& each : secrets_) pointers_.push_back(const_cast<char*>(each.reveal().data()));
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  void add(std::string entry) { entries_.push_back(std::move(entry)); }
  bool is_forgotten(std::string_view entry) const {
    for (const std::string& name : forgotten_) {
      if (entry.starts_with(name)) return true;
    }
    return false;
  }

  std::vector<std::string> entries_, forgotten_;
  std::vector<Secret> secrets_;
  std::vector<char*> pointers_;
};

// systemd waits for the end of a main process only if it is its child, and kills any other one at once. So where our
// parent is the first process, the new one is his child as we are, and he alone learns how it ends. Behind the clone is
// a copy of one thread: only what a signal handler may do.
pid_t start_beside_us(char* const* command, char* const* environment, int fd, int& handle) {
  long pid =
      ::syscall(SYS_clone, static_cast<unsigned long>(CLONE_PARENT | CLONE_PIDFD), nullptr, &handle, nullptr, nullptr);
  if (pid != 0) return static_cast<pid_t>(pid);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  fcntl(fd, F_SETFD, 0);
  execve(command[0], command, environment);
  _exit(127);
}

pid_t start_below_us(char* const* command, char* const* environment, int fd, int& handle) {
  SpawnTerms terms;
  posix_spawn_file_actions_adddup2(terms.actions(), fd, fd);  // to itself: it is not closed on exec
  pid_t pid = -1;
  errno = terms.start(pid, command, environment);
  if (errno != 0) return -1;
  handle = handle_of(pid).release();
  if (handle < 0) kill(pid, SIGKILL);
  return pid;
}

}  // namespace

Result<Child> spawn(const std::vector<std::string>& command, int fd) {
  std::vector<char*> words = arguments_of(command);
  Environment environment(fd);
  LentCapability lent;
  int handle = -1;
  pid_t pid = (getppid() == 1 ? start_beside_us : start_below_us)(words.data(), environment.get(), fd, handle);
  if (pid < 0) return fail(fmt::format("cannot start {}: {}", command[0], std::strerror(errno)));
  if (handle < 0) return fail(fmt::format("cannot watch a new process: {}", std::strerror(errno)));
  return Child{pid, Descriptor(handle)};
}

}  // namespace postigo
