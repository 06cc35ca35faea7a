// The log: one line per event, an event name and fields, as text (key=value), JSON or logfmt.
//
// Which events there are, with which fields, stands in events.h: nothing else can be written. Any thread. Values are
// escaped here (T62), so that a name which a stranger chose cannot forge a line. Secrets have no way in: Secret does
// not convert to Field. What is lost (cut, over the limit, not written) is counted and told.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

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

// Those of one line, in place: views, valid for the call only.
class Fields {
 public:
  static constexpr size_t kMost = 32;  // no event has so many

  Fields() = default;
  Fields(std::initializer_list<Field> fields) {
    for (const Field& field : fields) push_back(field);
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // One too many is left out.
  void push_back(const Field& field) {
    if (count_ == kMost) return;
    new (room_.data() + sizeof(Field) * count_++) Field(field);
  }
  const Field* begin() const { return std::launder(reinterpret_cast<const Field*>(room_.data())); }
  const Field* end() const { return begin() + count_; }

 private:
  static_assert(std::is_trivially_destructible_v<Field>);
  alignas(Field) std::array<std::byte, sizeof(Field) * kMost> room_;  // only what is there is ever written
  size_t count_ = 0;
};

using Level = config::Log::Level;
inline constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

// A row of the table in events.h.
struct Event {
  std::string_view name;
  Level level;
  std::string_view text;    // what has happened
  std::string_view fields;  // those that its lines may bear, in their order, separated by blanks
};

// Any thread, but before the first line once. A later call takes over. The file is made with mode 0640, and never
// opened through a symbolic link: open it as the account that will write, so that a folder of that account cannot make
// root write elsewhere (A37). Fails if it cannot be opened; then the log stays where it was.
Result<void> open(const config::Log& options);
// Would open() be able to? As the effective user; makes and changes nothing.
Result<void> check(const config::Log& options);
// The key that says where lines go: whom to blame if that cannot be.
std::string place_of(const config::Log& options);
void set_level(Level level);  // until the next open()
bool enabled(const Event& event);

// REQUIRES: every key stands in event.fields.
void write(const Event& event, const Fields& fields = {});
// For what strangers can cause as often as they like: at most [log] stranger_lines_per_s of these are written.
void write_bounded(const Event& event, const Fields& fields);
// A line is left out on purpose ([log] sample).
void leave_out(const Event& event);
// Tells what was lost since the last time it was told. write() does that too, before a line, once a second at most.
void tell_losses();

struct Counts {
  std::array<uint64_t, kLevelNames.size()> lines;  // written, by level
  uint64_t cut;                                    // lines with a value that was too long
  uint64_t over_limit;                             // not written, by write_bounded
  uint64_t left_out;                               // by leave_out
  uint64_t unwritten;                              // the file, pipe, terminal or socket did not take them
};
Counts counts();

// The formats, for tests.
std::string render_text(std::string_view event, const Fields& fields);
std::string render_logfmt(std::string_view time, Level level, std::string_view event, const Fields& fields);
std::string render_json(std::string_view time, Level level, std::string_view event, const Fields& fields);

}  // namespace postigo::log
