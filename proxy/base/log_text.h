// A line of the log as text: the event's name, then key=value for each field; and as logfmt. For log_form.cc.
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/line.h"
#include "proxy/base/log.h"

namespace postigo::log {

// Behind what stands in `line`. `cut`: set if a value was too long to be written whole.
void append_text(Line& line, std::string_view event, const Fields& fields, bool& cut);
// As logfmt: all of the line is keys and values, quoted as in JSON. `time` may be empty.
void append_logfmt(Line& line, std::string_view time, std::string_view level, std::string_view event,
                   const Fields& fields, bool& cut);
// The last three digits of `number`.
void append_three(Line& line, uint64_t number);
// A value as it may stand in a line of any format, but for quotes (T62).
std::string printable_value(std::string_view value, bool& cut);
// The same for a field's, whatever its type.
std::string value_text(const Field& field, bool& cut);

}  // namespace postigo::log
