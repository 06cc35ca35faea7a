// Not here: what the pages say (manual.cc).
#include "proxy/commands/roff.h"

#include <algorithm>

namespace postigo::commands::roff {
namespace {

constexpr size_t kColumns = 76;

std::string escaped(char c) {
  switch (c) {
    case '\\':
      return "\\e";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '~':
      return "\\(ti";
    case '^':
      return "\\(ha";
    default:
      return {c};
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  bool bold = false;
  bool pairs = std::count(text.begin(), text.end(), '`') % 2 == 0;
  for (char c : text) {
    if (c == '`' && pairs) {
      bold = !bold;
      out += bold ? "\\fB" : "\\fP";
    } else {
      out += escaped(c);
    }
  }
  return out;
}

}  // namespace

std::string prose(std::string_view text) {
  std::string out, line;
  auto flush = [&] {
    if (line.empty()) return;
    if (line[0] == '.') line.insert(0, "\\&");
    out += line + '\n';
    line.clear();
  };
  std::string all = escaped(text);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = std::min(all.find_first_of(" \n", begin), all.size());
    std::string next = all.substr(begin, end - begin);
    if (!line.empty() && line.size() + 1 + next.size() > kColumns) flush();
    if (!next.empty()) line += (line.empty() ? "" : " ") + next;
    if (next.ends_with('.')) flush();  // a new sentence begins a new line
    begin = end + 1;
  }
  flush();
  return out;
}

std::string word(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '-' ? "\\-" : escaped(c);
  return out;
}

std::string option(const Word& option) {
  std::string out;
  for (const std::string& name : option.names) {
    out += (out.empty() ? "Fl " : " , Fl ") + word(name.substr(1));
  }
  if (option.value.empty()) return out;
  if (option.choices.empty()) return out + " Ar " + word(option.value);
  std::string known;
  for (const std::string& choice : option.choices) known += (known.empty() ? " Cm " : " | ") + word(choice);
  return out + known;
}

std::string argument(const Word& argument) {
  std::string out = argument.required ? "" : "Op ";
  if (argument.choices.empty()) return out + "Ar " + word(argument.names.front());
  std::string known;
  for (const std::string& choice : argument.choices) known += (known.empty() ? "Cm " : " | ") + word(choice);
  return out + known;
}

}  // namespace postigo::commands::roff
