// The bodies of ascii.h: small loops, no tables.
#include "parser/base/ascii.h"

#include <algorithm>

namespace postigo {
namespace {

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629 4).
size_t utf8_sequence(Bytes text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto tail = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    unsigned high = first == 0xed ? 0x9f : 0xbf;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    unsigned low = first == 0xf0 ? 0x90 : 0x80;
    unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_hex(std::string& to, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  auto octet = static_cast<unsigned char>(c);
  to += {'\\', 'x', kDigits[octet >> 4], kDigits[octet & 15]};
}

}  // namespace

std::string lower(Bytes text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

std::string upper(Bytes text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_upper);
  return result;
}

bool starts_with_ignoring_case(Bytes text, Bytes prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool has_ctl(Bytes text) { return std::any_of(text.begin(), text.end(), is_ctl); }

bool is_utf8(Bytes text) {
  while (!text.empty()) {
    size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

namespace {

// Characters that change how a line looks rather than what it says: C1 controls, direction marks and overrides, line
// separators, the byte order mark. `sequence` is well-formed UTF-8.
bool misleads(Bytes sequence) {
  if (sequence.size() == 2) return sequence < "\xc2\xa0";
  return (sequence >= "\xe2\x80\x8b" && sequence <= "\xe2\x80\x8f") ||
         (sequence >= "\xe2\x80\xa8" && sequence <= "\xe2\x80\xae") ||
         (sequence >= "\xe2\x81\xa0" && sequence <= "\xe2\x81\xaf") || sequence == "\xef\xbb\xbf";
}

}  // namespace

std::string printable(Bytes text, size_t max) {
  auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
  if (text.size() + 4 <= max && std::all_of(text.begin(), text.end(), plain)) return std::string(text);  // most
  std::string result;
  while (!text.empty()) {
    size_t length = is_ctl(text[0]) || text[0] == '\\' ? 0 : utf8_sequence(text);
    if (length > 1 && misleads(text.substr(0, length))) length = 0;
    if (result.size() + 4 > max) return result + "...";
    if (length == 0) {
      append_hex(result, text[0]);
      length = 1;
    } else {
      result.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace postigo
