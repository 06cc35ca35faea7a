// Quotes as TOML has them: a backslash escapes between double ones only, and three in a row open text of several lines.
// What came on the lines before is not known, so that inside such a text the answer is about something else.
#include "config/line.h"

#include <string>

namespace postigo::config {

OutsideStrings outside_strings(std::string_view line) {
  OutsideStrings found;
  bool several_lines = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      several_lines = several_lines || line.substr(i, 3) == std::string(3, c);
      quote = c;
    } else if (c == '#') {
      break;
    } else if (c == '.') {
      ++found.dots;
    }
  }
  found.open_quote = quote != 0 && !several_lines;
  return found;
}

}  // namespace postigo::config
