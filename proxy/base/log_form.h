// What is sent for a line: its format, and what its target wants around it. For log.cc and its tests.
//
// In a stream: the line with its time. To the journal: a datagram of fields (systemd.io/JOURNAL_NATIVE_PROTOCOL), to
// syslog: one of RFC 5424; in both the line without its time is the message, and each of our fields stands by itself,
// too. All values are printable_value()s, so that a name is the same everywhere.
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/line.h"
#include "proxy/base/log.h"

namespace postigo::log {

// What does not change from line to line.
struct Form {
  config::Log::Format format = config::Log::Format::text;
  config::Log::Target target = config::Log::Target::stream;
  std::string identifier;
  std::string facility;  // its number
  unsigned facility_times_8 = 0;
  std::string host;  // of this machine; "-" without one
  std::string pid;
  std::string structured_data;  // SD-ID; empty: no fields
  bool operator==(const Form&) const = default;
};

Form form_of(const config::Log& options);

// Into `line`, which is cleared before. `time`: RFC 3339, in UTC. `cut`: set if a value was too long.
void render(Line& line, const Form& form, std::string_view time, const Event& event, const Fields& fields, bool& cut);

// The line itself; without a time if that is empty.
void append_message(Line& line, config::Log::Format format, std::string_view time, Level level, std::string_view event,
                    const Fields& fields, bool& cut);

}  // namespace postigo::log
