// The newest warnings and errors of the log, for those who look at a page and not at the file.
//
// Any thread. Bounded: kNewestMost lines of about kNewestOctets each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/log.h"

namespace postigo::log {

inline constexpr size_t kNewestMost = 200;
inline constexpr size_t kNewestOctets = 512;  // of `detail`

struct NewestLine {
  double at_s = 0;  // unix time
  Level level = Level::warning;
  std::string_view event;  // static text
  std::string detail;      // its fields as in a line of text, cut
};

// Those of the process, the newest first.
std::vector<NewestLine> newest(size_t most);

// For log.cc: a line of this level or above is kept.
inline constexpr Level kNewestFrom = Level::warning;
void keep_newest(const Event& event, const Fields& fields);

}  // namespace postigo::log
