// Splitting of response lines. Tolerant: what a backend left out is empty, blanks may be doubled; meaning is back.cc's
// business.
#include "parser/imap/response.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "parser/base/ascii.h"

namespace postigo::imap {
namespace {

// Of a list that each thread keeps: three times what the longest real one needs.
constexpr size_t kRememberedMax = 4096;

void skip_blanks(Bytes& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

// Those that are not there yet.
void add_names(Bytes text, std::vector<std::string>& names) {
  const size_t known = names.size();
  names.reserve(known + 48);  // more than servers have
  const std::string list = upper(text);
  for (size_t at = 0, end; at < list.size(); at = end + 1) {
    end = std::min(list.find(' ', at), list.size());
    Bytes name = Bytes(list).substr(at, end - at);
    auto last = names.begin() + static_cast<std::ptrdiff_t>(known);
    if (!name.empty() && std::find(names.begin(), last, name) == last) names.emplace_back(name);
  }
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

// A backend says the same to everybody, one list before the login and another one behind it. What a thread has read
// last it does not read again.
bool parse_capabilities(Bytes text, std::vector<std::string>& names) {
  struct Read {
    std::string text;
    std::vector<std::string> names;
  };
  thread_local std::array<Read, 4> read;  // of two kinds of backends
  thread_local size_t oldest = 0;
  if (!equal_ignoring_case(take_word(text), "CAPABILITY")) return false;
  if (!names.empty() || text.size() > kRememberedMax) {
    add_names(text, names);
    return true;
  }
  auto known = std::find_if(read.begin(), read.end(), [&](const Read& each) { return each.text == text; });
  if (known == read.end()) {
    known = read.begin() + static_cast<std::ptrdiff_t>(oldest);
    oldest = (oldest + 1) % read.size();
    *known = {std::string(text), {}};
    add_names(text, known->names);
  }
  names = known->names;
  return true;
}

}  // namespace postigo::imap
