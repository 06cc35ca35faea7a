// ScramShapes: how keys for SCRAM look in these directories, so that those of users who do not exist look alike (A21).
//
// A name must be shown the same keys each time, so this follows what is shown only when most users have come to differ.
// Any thread. Of this process: doors that share directories learn the same.
#pragma once

#include <array>
#include <mutex>
#include <string_view>

#include "backends/directory/scram_keys.h"

namespace postigo {

class ScramShapes {
 public:
  static constexpr unsigned kOthersMax = 16;  // in a row that look otherwise

  ScramShape of(ScramHash hash) const {
    std::lock_guard lock(mutex_);
    return known_[index(hash)].shape;
  }
  // A user has these.
  void saw(ScramHash hash, const ScramKeys& keys) {
    if (keys.salt.empty() || keys.iterations == 0) return;  // of no use
    const ScramShape shape{keys.iterations, static_cast<uint32_t>(keys.salt.size())};
    std::lock_guard lock(mutex_);
    Known& known = known_[index(hash)];
    known.others = shape == known.shape ? 0 : known.others + 1;
    if (!known.any || known.others > kOthersMax) known = {shape, 0};
    known.any = true;
  }

 private:
  struct Known {
    ScramShape shape = {};
    unsigned others = 0;
    bool any = false;
  };
  static size_t index(ScramHash hash) { return static_cast<size_t>(hash); }

  mutable std::mutex mutex_;
  std::array<Known, 2> known_;
};

}  // namespace postigo
