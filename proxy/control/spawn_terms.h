// SpawnTerms: on which terms a program is started from here: no signal is blocked or ignored, whatever we do with them;
// and the two things that whoever starts one needs beside them.
//
// Of one start; confined to its thread.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "backends/work/descriptor.h"

namespace postigo {

class SpawnTerms {
 public:
  SpawnTerms();
  ~SpawnTerms();
  SpawnTerms(const SpawnTerms&) = delete;
  SpawnTerms& operator=(const SpawnTerms&) = delete;

  void group_of_its_own();  // so that what it starts can be ended with it
  posix_spawn_file_actions_t* actions() { return &actions_; }

  // 0, or an error number.
  int start(pid_t& pid, char* const* command, char* const* environment) const;

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  short flags_;
};

// A program's arguments as the kernel wants them; they point into `command`.
std::vector<char*> arguments_of(const std::vector<std::string>& command);

// Of a child: ready to be read when it has ended. Below 0: errno says why. Closed on exec.
Descriptor handle_of(pid_t child);

}  // namespace postigo
