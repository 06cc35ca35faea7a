// Splitting of response lines. Tolerant: what a backend left out is empty, blanks may be doubled; meaning is back.cc's
// business.
#include "parser/imap/response.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo::imap {
namespace {

void skip_blanks(Bytes& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

}  // namespace

Bytes take_word(Bytes& text) {
  skip_blanks(text);
  Bytes word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  skip_blanks(text);
  return word;
}

Status parse_status(Bytes line) {
  Status status;
  status.word = take_word(line);
  size_t close = line.starts_with('[') ? line.find(']') : Bytes::npos;
  if (close != Bytes::npos) {
    status.code = line.substr(1, close - 1);
    line.remove_prefix(close + 1);
    skip_blanks(line);
  }
  status.text = line;
  return status;
}

std::string code_name(Bytes code) { return upper(take_word(code)); }

bool parse_capabilities(Bytes text, std::vector<std::string>& names) {
  if (!equal_ignoring_case(take_word(text), "CAPABILITY")) return false;
  const size_t known = names.size();
  names.reserve(known + 48);  // more than servers have
  const std::string list = upper(text);
  for (size_t at = 0, end; at < list.size(); at = end + 1) {
    end = std::min(list.find(' ', at), list.size());
    Bytes name = Bytes(list).substr(at, end - at);
    auto last = names.begin() + static_cast<std::ptrdiff_t>(known);
    if (!name.empty() && std::find(names.begin(), last, name) == last) names.emplace_back(name);
  }
  return true;
}

}  // namespace postigo::imap
