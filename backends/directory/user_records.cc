// Cuts records off the front of the text. Not here: columns and users (user_file.cc).
#include "backends/directory/user_records.h"

#include <utility>

namespace postigo {
namespace {

// Returns whether a quoted field goes on in the next line.
bool split(std::string_view line, Records::Fields& fields, bool quoted) {
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return quoted;
}

}  // namespace

std::optional<std::string_view> Records::next_line() {
  if (rest_.empty()) return std::nullopt;
  line_ = next_++;
  const size_t end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<Result<Records::Fields>> Records::next_csv() {
  auto line = next_line();
  if (!line) return std::nullopt;
  const size_t began = line_;
  Fields fields(1);
  bool quoted = false;
  for (;;) {
    quoted = split(*line, fields, quoted);
    if (!quoted) break;
    fields.back() += '\n';
    line = next_line();
    if (!line) break;
  }
  line_ = began;
  if (quoted) return Result<Fields>(fail("a quote is not closed"));
  return Result<Fields>(std::move(fields));
}

}  // namespace postigo
