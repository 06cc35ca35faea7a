// A face of posix_spawn. Not here: which programs, and what they inherit (spawn.cc, hook.cc).
#include "proxy/control/spawn_terms.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace postigo {

SpawnTerms::SpawnTerms() : flags_(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) {
  posix_spawn_file_actions_init(&actions_);
  posix_spawnattr_init(&attributes_);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes_, &none);
  posix_spawnattr_setsigdefault(&attributes_, &all);
  posix_spawnattr_setflags(&attributes_, flags_);
}

SpawnTerms::~SpawnTerms() {
  posix_spawn_file_actions_destroy(&actions_);
  posix_spawnattr_destroy(&attributes_);
}

void SpawnTerms::group_of_its_own() {
  flags_ = static_cast<short>(flags_ | POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes_, 0);
  posix_spawnattr_setflags(&attributes_, flags_);
}

int SpawnTerms::start(pid_t& pid, char* const* command, char* const* environment) const {
  return posix_spawn(&pid, command[0], &actions_, &attributes_, command, environment);
}

std::vector<char*> arguments_of(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  return words;
}

Descriptor handle_of(pid_t child) { return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))); }

}  // namespace postigo
