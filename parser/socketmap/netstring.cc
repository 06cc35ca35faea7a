// Not here: what the text means (socketmap.cc).
#include "parser/socketmap/netstring.h"

#include "parser/base/ascii.h"

namespace postigo::netstring {
namespace {

constexpr size_t kDigitsMax = 9;

}  // namespace

Parsed parse(Bytes input, size_t max) {
  const Parsed broken{Parsed::State::broken, {}, 0};
  size_t size = 0, digits = 0;
  while (digits < input.size() && is_digit(input[digits])) {
    if (digits == kDigitsMax || (digits == 1 && size == 0)) return broken;  // too long, or "01"
    size = size * 10 + static_cast<size_t>(input[digits++] - '0');
    if (size > max) return broken;
  }
  if (digits == input.size()) return {};
  if (digits == 0 || input[digits] != ':') return broken;
  const size_t begin = digits + 1, end = begin + size;
  if (input.size() <= end) return {};
  if (input[end] != ',') return broken;
  return {Parsed::State::done, input.substr(begin, size), end + 1};
}

void append(std::string& to, Bytes text) {
  to += std::to_string(text.size());
  to += ':';
  to += text;
  to += ',';
}

}  // namespace postigo::netstring
