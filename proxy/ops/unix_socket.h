// Listening and connecting on a unix socket that has a place in the file system.
#pragma once

#include <string>

#include "parser/base/result.h"

namespace postigo {

// A listening descriptor, mode 0660, with the process's user and group. A socket that nobody listens on any more is
// replaced; anything else at that place is left alone. The error is one line.
Result<int> listen_unix(const std::string& path);

// A connected descriptor, blocking. The error is one line.
Result<int> connect_unix(const std::string& path);

}  // namespace postigo
