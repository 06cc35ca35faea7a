// Secrets that the configuration names but does not hold: in a file or in the environment.
#pragma once

#include <functional>
#include <string>

#include "config/kept_secret.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"

namespace postigo::config {

// The file without one newline at its end. Fails if it cannot be read, is empty, longer than a password may be or holds
// control characters. The error names the file, never its content.
Result<Secret> read_secret_file(const std::string& path);
Result<KeptSecret> read_secret_env(const std::string& name);

// Overwrites every value in the environment that holds `secret`: it is on the stack and in /proc otherwise. For a
// process that has read what it needs, before other threads exist. read_secret_env() goes on knowing it, in the same
// place: a configuration that is loaded again names the same variable.
void forget_in_environment(const KeptSecret& secret);

// Shows each of those to `visit`, with the variable's name: for a process that takes this one's place.
void visit_forgotten(const std::function<void(const std::string& name, const KeptSecret& secret)>& visit);

// What may be wrong with an inline secret, in words, or empty. The same rules as for a file.
std::string secret_fault(Bytes text);

// True if users other than the owner may read the file: `group` includes the file's group.
bool exposed_to_group(const std::string& path);
bool exposed_to_all(const std::string& path);

}  // namespace postigo::config
