// What changes when a file does: identity, size and times, behind symbolic links. Equal stamps: nothing to read again.
#pragma once

#include <string>

namespace postigo {

// "-" if there is no such file (any more). Blocking.
std::string file_stamp(const std::string& path);

}  // namespace postigo
