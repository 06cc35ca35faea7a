// One stat. Not here: who looks how often.
#include "proxy/base/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace postigo {

std::string file_stamp(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return "-";
  return fmt::format("{}:{}:{}:{}.{}", facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
}

}  // namespace postigo
