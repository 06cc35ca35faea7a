// LineSink: where rendered lines go. Not thread-safe: log.cc lets one line through at a time.
#pragma once

#include <string_view>

#include "config/config.h"

namespace postigo::log {

class LineSink {
 public:
  LineSink() = default;
  virtual ~LineSink() = default;
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;

  // False: it is lost, or a part of it is.
  virtual bool write(config::Log::Level level, std::string_view line) = 0;
};

}  // namespace postigo::log
