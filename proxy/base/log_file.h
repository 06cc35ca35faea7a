// Opening the log's file (A37): mode 0640, and never through a symbolic link, so that a folder of the service's account
// cannot make root write elsewhere. O_NONBLOCK: a pipe does not hold anybody up.
#pragma once

#include <string>

#include "parser/base/result.h"

namespace postigo::log {

// A descriptor to append to, which is the caller's; made if it does not exist. Or why not, in one line.
Result<int> open_file(const std::string& file);

// Would open_file() be able to? As the effective user; makes and changes nothing.
Result<void> check_file(const std::string& file);

}  // namespace postigo::log
