// A list of guesses, the surest first; what the parser said follows, for those who know TOML. Not here: positions.
#include "config/syntax.h"

#include <algorithm>

#include "config/line.h"
#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string_view value_in(std::string_view line) {
  size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  size_t begin = line.find_first_not_of(" \t", equals + 1);
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

const char* guess(std::string_view line, std::string_view description) {
  std::string_view value = value_in(line);
  bool header = !line.empty() && line[std::min(line.find_first_not_of(" \t"), line.size() - 1)] == '[';
  bool quoted = value.starts_with('"') || value.starts_with('\'');
  if (has(description, "escape sequence")) {
    return "a backslash in a value: write it twice, or put the value between single quotes";
  }
  if (outside_strings(line).open_quote) return "a quote is missing in this line";
  if (has(description, "table header") && has(description, "expected ']'")) {
    return "a bracket is missing: tables are written [name], arrays of tables [[name]]";
  }
  if (has(description, "cannot redefine existing table")) {
    return "this table stands in the file already: join the two, or write [[name]] if there may be several";
  }
  if (has(description, "cannot redefine")) return "this key stands in its table already";
  if (has(description, "expected value") || (!header && line.find('=') != std::string_view::npos && value.empty())) {
    return "a value is missing behind \"=\"";
  }
  if (has(description, "expected '='")) return "expected key = value";
  if (has(description, "boolean")) return "expected true or false, in lower case";
  if (has(description, "parsing array") || has(description, "inline table")) {
    return "a bracket or a comma is missing in a list";
  }
  if (has(description, "parsing string")) return "the three quotes that end this text are missing";
  if (!value.empty() && !quoted) return "text, durations and sizes stand between quotes, as in key = \"10s\"";
  if (quoted) return "nothing but a comment may follow a value";
  return nullptr;
}

std::string readable(std::string_view description) {
  std::string text(description);
  for (size_t at = text.find("'\\n'"); at != std::string::npos; at = text.find("'\\n'")) {
    text.replace(at, 4, "the end of the line");
  }
  return printable(text, 300);
}

}  // namespace

std::string explain_syntax(std::string_view line, std::string_view description) {
  const char* guessed = guess(line, description);
  if (guessed == nullptr) return "syntax: " + readable(description);
  return std::string("syntax: ") + guessed + " (" + readable(description) + ')';
}

}  // namespace postigo::config
