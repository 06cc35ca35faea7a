// Splitting of response lines. Tolerant: what a backend left out is empty; meaning is back.cc's business.
#include "parser/imap/response.h"

#include "parser/base/ascii.h"

namespace postigo::imap {
namespace {

Bytes take_word(Bytes& text) {
  size_t end = text.find(' ');
  Bytes word = text.substr(0, end);
  text.remove_prefix(end == Bytes::npos ? text.size() : end + 1);
  return word;
}

}  // namespace

Status parse_status(Bytes line) {
  Status status;
  status.word = take_word(line);
  size_t close = line.starts_with('[') ? line.find(']') : Bytes::npos;
  if (close != Bytes::npos) {
    status.code = line.substr(1, close - 1);
    line.remove_prefix(close + 1);
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  status.text = line;
  return status;
}

std::string code_name(Bytes code) { return upper(code.substr(0, code.find(' '))); }

bool parse_capabilities(Bytes text, std::vector<std::string>& names) {
  if (!equal_ignoring_case(take_word(text), "CAPABILITY")) return false;
  names.clear();
  names.reserve(48);  // more than servers have
  while (!text.empty()) {
    Bytes name = take_word(text);
    if (!name.empty()) names.push_back(upper(name));
  }
  return true;
}

}  // namespace postigo::imap
