// DirectoryWatch: tells operators what has become odd with a directory that goes on all the same: a file that was
// exchanged for one that is no good.
//
// Control thread; nothing blocks.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "backends/directory/factory.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"

namespace postigo {

class DirectoryWatch {
 public:
  static constexpr uint64_t kLookMs = 2'000;

  explicit DirectoryWatch(Loop& loop);
  // From now on these; null: none. What is odd with new ones has been told with their configuration.
  void watch(std::shared_ptr<const DirectoryShared> directories);
  void close();

 private:
  void look();

  Loop& loop_;
  Timer timer_;
  std::shared_ptr<const DirectoryShared> directories_;
  std::map<SharedSource, std::string> told_;
};

}  // namespace postigo
