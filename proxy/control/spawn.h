// spawn: starts a program with one descriptor, as this process is: its account, its standing, its environment.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "backends/work/descriptor.h"
#include "parser/base/result.h"

namespace postigo {

struct Child {
  pid_t pid;
  Descriptor handle;  // readable once it has ended (pidfd_open(2)); the owner waits for it, if it is a child of ours
};

// `command` with its path first. `fd` is inherited, kSuccessionVariable says its number; all others are closed on exec.
// Signals are as in a fresh process. The environment is ours, with the secrets that were forgotten there, and without
// what concerns this process only. Control thread.
Result<Child> spawn(const std::vector<std::string>& command, int fd);

}  // namespace postigo
