// Not here: which programs may be run for whom, and how long (mover.cc, flush.cc).
#include "proxy/control/hook.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/control/spawn_terms.h"

namespace postigo {
namespace {

std::string how_the_hook_ended(const siginfo_t& end) {
  if (end.si_code == CLD_EXITED && end.si_status == 0) return {};
  if (end.si_code == CLD_EXITED) return fmt::format("the hook ended with exit code {}", end.si_status);
  return fmt::format("the hook was ended by signal {} ({})", end.si_status, strsignal(end.si_status));
}

}  // namespace

Result<std::unique_ptr<Hook>> Hook::start(Loop& loop, const std::vector<std::string>& command, Then then) {
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path, nullptr};
  SpawnTerms terms;
  terms.group_of_its_own();
  posix_spawn_file_actions_addopen(terms.actions(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(terms.actions(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  int failed = terms.start(pid, arguments_of(command).data(), environment);
  if (failed != 0) return fail(fmt::format("cannot start {}: {}", command[0], std::strerror(failed)));
  Descriptor handle = handle_of(pid);
  if (handle.get() < 0) {
    ::kill(-pid, SIGKILL);
    return fail(fmt::format("cannot watch a new process: {}", std::strerror(errno)));
  }
  return std::unique_ptr<Hook>(new Hook(loop, pid, std::move(handle), std::move(then)));
}

Hook::Hook(Loop& loop, pid_t pid, Descriptor handle, Then then)
    : loop_(loop), pid_(pid), handle_(std::move(handle)), then_(std::move(then)) {
  loop_.watch(handle_.get(), *this, EPOLLIN);
}

Hook::~Hook() { leave(); }

void Hook::kill() {
  if (!gone_) ::kill(-pid_, SIGKILL);
}

void Hook::leave() {
  if (std::exchange(gone_, true)) return;
  ::kill(-pid_, SIGKILL);
  loop_.unwatch(handle_.get());
}

void Hook::ready(uint32_t) {
  siginfo_t end{};
  if (gone_ || waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG) != 0 || end.si_pid == 0) return;
  gone_ = true;
  loop_.unwatch(handle_.get());
  then_(how_the_hook_ended(end));
}

Result<std::string> hook_path(const std::string& folder, const std::string& name) {
  if (folder.empty()) return fail("there is no [admin] hook_folder: no program may be run");
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    return fail("hook: the name of a program in [admin] hook_folder, without a path");
  }
  std::string path = folder + "/" + name;
  if (access(path.c_str(), X_OK) != 0) return fail(fmt::format("{}: {}", path, std::strerror(errno)));
  return path;
}

}  // namespace postigo
