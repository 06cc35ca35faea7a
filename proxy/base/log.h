// The log: one line per event, an event name and fields, as text (key=value) or JSON.
//
// Any thread. Values are escaped here (T62), so that a name which a stranger chose cannot forge a line. Secrets have no
// way in: Secret does not convert to Field.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "parser/base/result.h"

namespace postigo::log {

struct Field {
  std::string_view key;
  std::variant<std::string_view, int64_t, double, bool> value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral Integer>
  Field(std::string_view k, Integer v) : key(k), value(static_cast<int64_t>(v)) {}
};
using Fields = std::vector<Field>;  // views: valid for the call only

using Level = config::Log::Level;

// Before the first line and before threads start. Fails if the file cannot be opened. A later call takes over.
Result<void> open(const config::Log& options);
bool enabled(Level level);
void write(Level level, std::string_view event, const Fields& fields);

inline void debug(std::string_view event, const Fields& fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, const Fields& fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, const Fields& fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, const Fields& fields = {}) { write(Level::error, event, fields); }

// The two formats, for tests and for write().
std::string render_text(std::string_view event, const Fields& fields);
std::string render_json(std::string_view time, Level level, std::string_view event, const Fields& fields);

}  // namespace postigo::log
